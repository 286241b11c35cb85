import CHost
import Glibc
import Machine

/// Evicts the caches by reading a buffer of twice the last-level cache, line by line.
///
/// `@unchecked Sendable`: the buffer is only read after it was created.
public final class CacheEvictor: @unchecked Sendable {
  /// The buffer size if the cache's size is unknown: 64 MiB.
  public static let fallbackBytes = 64 << 20

  /// The size of the buffer. Bytes.
  public let bytes: Int
  private let buffer: UnsafeMutableRawPointer

  /// Creates the buffer and writes it once, so that it has its own memory.
  ///
  /// - Parameter lastLevelCacheBytes: as in ``HostFacts/lastLevelCacheBytes``; nil or less than 1 if unknown.
  /// - Throws: ``SystemCallError`` if the host refuses the memory.
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
    // Fewer TLB misses make the walk faster; it evicts without huge pages, too.
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
