import CHost
import Glibc
import Machine

/// Real memory that stands for the guest's, for a host to give back. Its size doesn't depend on the guest's.
///
/// Blocks are placed in it in order of arrival, so that each is populated when it is given back. Placing blocks by
/// address modulo the size would sometimes hit memory that is already discarded, which costs a fraction.
final class HostMemory: @unchecked Sendable {
  // Right to send: the host's thread uses it during a session, the measuring thread before and after.
  private enum Kind {
    case anonymous(HostMapping)
    case file(descriptor: Int32, base: UnsafeMutableRawPointer)
  }

  /// The default size: enough for a meaningful session, little enough to populate before each.
  static let standardBytes = 256 << 20

  let bytes: Int
  /// The bytes a session may name before it is stopped: half, which leaves room for the current chain of up to 128 MiB
  /// (32 blocks of the highest order).
  var sessionBytes: Int { bytes / 2 }
  let page: HostPage
  private let kind: Kind

  /// Reserves memory for an action that gives memory back, without populating it.
  ///
  /// - Parameter bytes: a multiple of 2 MiB.
  /// - Throws: ``SystemCallError`` if the kernel refuses address space, a file, or huge pages.
  init?(_ action: HostAction, bytes: Int = standardBytes) throws(SystemCallError) {
    guard let page = action.page else { return nil }
    precondition(bytes % HostPage.huge.rawValue == 0, "\(bytes) bytes aren't whole huge pages")
    self.bytes = bytes
    self.page = page
    guard case .punch = action else {
      kind = .anonymous(try HostMapping(bytes: bytes, page: page))
      return
    }
    let descriptor = page == .huge ? chost_huge_memory_file("hintbench") : chost_memory_file("hintbench")
    guard descriptor >= 0 else { throw SystemCallError(call: "memfd_create", code: -descriptor) }
    guard ftruncate(descriptor, off_t(bytes)) == 0 else {
      defer { close(descriptor) }
      throw SystemCallError(call: "ftruncate of a memfd", code: errno)
    }
    // Huge pages are reserved here, or refused: without them a touch would be a SIGBUS.
    let base = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let base, base != MAP_FAILED else {
      defer { close(descriptor) }
      throw SystemCallError(call: "mmap of \(bytes) bytes of a memfd", code: errno)
    }
    kind = .file(descriptor: descriptor, base: base)
  }

  deinit {
    if case .file(let descriptor, let base) = kind {
      munmap(base, bytes)
      close(descriptor)
    }
  }

  var base: UnsafeRawPointer {
    switch kind {
    case .anonymous(let mapping): UnsafeRawPointer(mapping.base)
    case .file(_, let base): UnsafeRawPointer(base)
    }
  }

  /// Populates every page by writing to it.
  func populate() {
    switch kind {
    case .anonymous(let mapping): mapping.touch()
    case .file(_, let base):
      for offset in stride(from: 0, to: bytes, by: page.rawValue) {
        base.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
      }
    }
  }

  /// Why the memory isn't in pages of the requested size; nil if it is. Call it after populating.
  var refusal: String? {
    guard case .anonymous = kind, page == .huge else { return nil }
    guard let use = HugePageUse.ofMapping(around: base) else {
      return "/proc/self/smaps doesn't tell whether memory lies in huge pages"
    }
    return use.isWhole ? nil : "the kernel put \(use.hugeBytes) of \(use.anonymousBytes) bytes into huge pages"
  }

  /// Gives back a range. Returns false if the kernel refused.
  func giveBack(_ range: Range<Int>) -> Bool {
    switch kind {
    case .anonymous(let mapping):
      do throws(SystemCallError) { try mapping.discard(range.count, at: range.lowerBound) } catch { return false }
      return true
    case .file(let descriptor, _):
      return chost_punch_hole(descriptor, Int64(range.lowerBound), Int64(range.count)) == 0
    }
  }
}
