import CHost
import Glibc
import GuestMemory
import Machine

/// The bytes of a guest's memory: a mapping of this process in 4 KiB pages, indexed by PFN.
public final class GuestRAM: @unchecked Sendable {
  // Right to send: threads write and read the same bytes concurrently, as a guest's CPUs and its host do. A torn read
  // doesn't matter, since the dirty log then contains the page.
  public let pages: Int
  let base: UnsafeMutableRawPointer

  /// Reserves the address space; pages are zero and use memory once written.
  ///
  /// - Throws: ``SystemCallError`` if the host refuses the address space.
  public init(pages: Int) throws(SystemCallError) {
    precondition(pages > 0, "a guest of \(pages) pages")
    self.pages = pages
    guard let base = chost_reserve(pages << 12, 2 << 20) else {
      throw SystemCallError(call: "mmap of \(pages << 12) bytes", code: errno)
    }
    self.base = base
    // A log with 4 KiB granularity needs 4 KiB pages; a kernel without others refuses the advice.
    _ = chost_advise_huge(base, pages << 12, false)
  }

  deinit { _ = chost_release(base, pages << 12) }

  var bytes: Int { pages << 12 }

  func address(_ page: Int) -> UnsafeMutableRawPointer {
    precondition(page >= 0 && page < pages, "page \(page) of \(pages)")
    return base + page << 12
  }

  /// Fills a page with words derived from `version` and its PFN: no two versions of a page are the same, nor two pages
  /// of one version, and none is zero.
  public func write(_ page: Int, version: UInt64) {
    chost_page_fill(address(page), version &+ UInt64(page) &* 0xD6E8_FEB8_6659_FD93)
  }

  /// Fills each page of a block.
  public func write(_ block: Block, version: UInt64) {
    for page in Int(block.pfn)..<Int(block.end) { write(page, version: version) }
  }

  /// Writes one word of a page.
  public func touch(_ page: Int) { address(page).storeBytes(of: 1, as: UInt64.self) }

  /// Zeroes each page of a block.
  public func zero(_ block: Block) {
    precondition(Int(block.end) <= pages, "\(block) of \(pages) pages")
    memset(address(Int(block.pfn)), 0, Int(block.bytes))
  }

  public func isZero(_ page: Int) -> Bool { chost_page_is_zero(address(page)) }

  /// The hash that the oracle compares.
  public func hash(_ page: Int, seed: UInt64) -> UInt64 { chost_page_hash(address(page), seed) }
}
