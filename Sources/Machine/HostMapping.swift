import CHost
import Glibc

/// Memory of this process, in pages of one size.
public final class HostMapping {
  /// The start, aligned to 2 MiB.
  public let base: UnsafeMutableRawPointer
  /// The size: whole pages. Bytes.
  public let bytes: Int
  public let page: HostPage
  private let reserved: UnsafeMutableRawPointer
  private let reservedBytes: Int

  /// Reserves at least `bytes`, untouched.
  ///
  /// - Throws: ``SystemCallError`` if the kernel refuses the address space or huge pages.
  public init(bytes wanted: Int, page: HostPage) throws(SystemCallError) {
    bytes = (max(wanted, 1) + page.rawValue - 1) / page.rawValue * page.rawValue
    // A margin without advice on either side, so that the kernel reports the middle as a mapping of its own.
    reservedBytes = bytes + 2 * HostPage.huge.rawValue
    guard let reserved = chost_reserve(reservedBytes, HostPage.huge.rawValue) else {
      throw SystemCallError(call: "mmap of \(reservedBytes) bytes", code: errno)
    }
    self.reserved = reserved
    base = reserved + HostPage.huge.rawValue
    self.page = page
    let code = chost_advise_huge(base, bytes, page == .huge)
    guard code == 0 || page == .small else {
      throw SystemCallError(call: "madvise(MADV_HUGEPAGE)", code: code)
    }
  }

  deinit { _ = chost_release(reserved, reservedBytes) }

  /// Writes a byte to each page.
  @inline(never)
  public func touch() {
    var offset = 0
    while offset < bytes {
      base.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
      offset &+= page.rawValue
    }
    chost_consume_pointer(base)
  }

  /// Discards `count` bytes from `offset` on.
  ///
  /// - Throws: ``SystemCallError``
  public func discard(_ count: Int, at offset: Int = 0) throws(SystemCallError) {
    let code = chost_discard(base + offset, count)
    guard code == 0 else { throw SystemCallError(call: "madvise(MADV_DONTNEED) of \(count) bytes", code: code) }
  }
}

/// The sizes of host pages that are measured.
public enum HostPage: Int, CaseIterable, Sendable {
  /// 4 KiB.
  case small = 4096
  /// 2 MiB, as the kernel uses for its memory map.
  case huge = 2_097_152
}
