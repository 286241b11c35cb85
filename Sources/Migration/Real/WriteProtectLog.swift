import CHost
import Glibc
import Machine

/// The dirty log of a mapping of this process: pages are write-protected by userfaultfd, the first write to each
/// removes the protection, and a sync finds unprotected pages and protects them again, each in one step (Linux 6.7:
/// UFFD_FEATURE_WP_ASYNC and PAGEMAP_SCAN with PM_SCAN_WP_MATCHING).
///
/// It stands for a hypervisor's log of a guest's writes. The guest's cost is the same kind: a fault at the first write
/// to a page after each sync.
public final class WriteProtectLog: DirtyLog {
  private let ram: GuestRAM
  private let protection: Int32
  private let pagemap: Int32
  private let runs: UnsafeMutablePointer<WrittenRun>
  /// The most runs per system call.
  private static let mostRuns = 4096

  /// Prepares the log; recording begins with ``start()``.
  ///
  /// - Throws: ``SystemCallError`` if the kernel lacks such a log.
  public init(_ ram: GuestRAM) throws(SystemCallError) {
    (protection, pagemap) = try Self.open()
    self.ram = ram
    runs = .allocate(capacity: Self.mostRuns)
    let code = chost_protection_register(protection, ram.base, ram.bytes)
    guard code == 0 else { throw SystemCallError(call: "UFFDIO_REGISTER of \(ram.bytes) bytes", code: code) }
  }

  deinit {
    close(protection)
    close(pagemap)
    runs.deallocate()
  }

  /// Why the kernel lacks such a log; nil if it has one.
  public static var refusal: SystemCallError? {
    do throws(SystemCallError) {
      let (protection, pagemap) = try open()
      close(protection)
      close(pagemap)
      return nil
    } catch {
      return error
    }
  }

  private static func open() throws(SystemCallError) -> (protection: Int32, pagemap: Int32) {
    let protection = chost_protection_open()
    guard protection >= 0 else {
      throw SystemCallError(
        call: "userfaultfd with asynchronous write protection, which Linux has since 6.7", code: -protection)
    }
    let pagemap = chost_pagemap_open()
    guard pagemap >= 0 else {
      close(protection)
      throw SystemCallError(
        call: "PAGEMAP_SCAN of /proc/self/pagemap, which Linux has since 6.7", code: -pagemap)
    }
    return (protection, pagemap)
  }

  public func start() throws(SystemCallError) {
    let code = chost_protection_renew(protection, ram.base, ram.bytes)
    guard code == 0 else { throw SystemCallError(call: "UFFDIO_WRITEPROTECT of \(ram.bytes) bytes", code: code) }
  }

  public func sync(into bitmap: inout MigrationBitmap) throws(SystemCallError) {
    let base = UInt64(UInt(bitPattern: ram.base))
    let end = base + UInt64(ram.bytes)
    var next = base
    while next < end {
      var reached = next
      let count = chost_pagemap_scan_written(pagemap, next, end, runs, Self.mostRuns, &reached)
      guard count >= 0 else { throw SystemCallError(call: "PAGEMAP_SCAN", code: Int32(-count)) }
      for run in UnsafeBufferPointer(start: runs, count: count) {
        bitmap.set(Int((run.start - base) >> 12)..<Int((run.end - base) >> 12))
      }
      // A scan without progress would repeat for ever.
      guard reached > next else { throw SystemCallError(call: "PAGEMAP_SCAN, which came nowhere", code: EIO) }
      next = reached
    }
  }
}
