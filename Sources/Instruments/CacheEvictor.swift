import CHost
import Glibc
import Machine

/// Fills the caches with something else: a buffer of twice the last-level cache, walked line by line.
///
/// `@unchecked Sendable`: after it is made, the buffer is only read.
public final class CacheEvictor: @unchecked Sendable {
  /// The buffer where the cache's size isn't known: 64 MiB.
  public static let fallbackBytes = 64 << 20

  /// Length of the buffer.
  public let bytes: Int
  private let buffer: UnsafeMutableRawPointer

  /// Makes the buffer and writes it once, so that it is memory of its own.
  ///
  /// - Parameter lastLevelCacheBytes: as in ``HostFacts/lastLevelCacheBytes``; nil or less than 1 where unknown.
  /// - Throws: ``SystemCallError`` if there is no room for it.
  public init(lastLevelCacheBytes: Int?) throws(SystemCallError) {
    if let size = lastLevelCacheBytes, size > 0 {
      let (twice, overflow) = size.multipliedReportingOverflow(by: 2)
      guard !overflow else { throw SystemCallError(call: "mmap of twice \(size) bytes", code: ENOMEM) }
      bytes = twice
    } else {
      bytes = Self.fallbackBytes
    }
    guard let buffer = chost_reserve(bytes, 2 << 20) else {
      throw SystemCallError(call: "mmap of \(bytes) bytes", code: errno)
    }
    self.buffer = buffer
    // Fewer TLB misses make a quicker walk; without huge pages it evicts as well.
    _ = chost_advise_huge(buffer, bytes, true)
    memset(buffer, 1, bytes)
  }

  deinit {
    _ = chost_release(buffer, bytes)
  }

  /// Reads every line of the buffer.
  public func evict() {
    var sum: UInt64 = 0
    var offset = 0
    while offset &+ 8 <= bytes {
      sum &+= buffer.load(fromByteOffset: offset, as: UInt64.self)
      offset &+= 64
    }
    chost_consume(sum)
  }
}
