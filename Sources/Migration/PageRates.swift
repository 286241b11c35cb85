import CHost
import Foundation
import Glibc
import Instruments
import Machine

/// Measured costs of migrating a page on this machine. Nanoseconds per 4 KiB page.
public struct PageRates: Sendable, Codable, Equatable {
  /// Checking a page that is zero, with nothing of it in the caches.
  public var zeroCheck: Double
  /// Writing a page to a Unix socket that another thread reads.
  public var send: Double

  /// Measures the rates; about 100 ms the first time.
  ///
  /// - Throws: ``SystemCallError`` if the host refuses 64 MiB or a socket.
  public static func measure() throws -> PageRates { try known.get() }

  private static let known = Result { PageRates(zeroCheck: try measureZeroCheck(), send: try measureSend()) }

  private static let pages = 1 << 14

  private static func withPages<Value>(_ body: (UnsafeMutableRawPointer) throws -> Value) throws -> Value {
    guard let base = chost_reserve(pages * 4096, 4096) else {
      throw SystemCallError(call: "mmap of \(pages * 4096) bytes", code: ENOMEM)
    }
    defer { _ = chost_release(base, pages * 4096) }
    // An unwritten page is the kernel's shared zero page, which is always in the caches.
    for page in 0..<pages {
      (base + page * 4096).storeBytes(of: 1, as: UInt64.self)
      (base + page * 4096).storeBytes(of: 0, as: UInt64.self)
    }
    return try body(base)
  }

  /// The median of five passes.
  private static func measureZeroCheck() throws -> Double {
    try withPages { base in
      (0..<5).map { _ in
        let begin = MonotonicClock.nanoseconds()
        var zero = 0
        for page in 0..<pages where chost_page_is_zero(base + page * 4096) { zero &+= 1 }
        precondition(zero == pages)
        return Double(MonotonicClock.nanoseconds() - begin) / Double(pages)
      }.sorted()[2]
    }
  }

  /// The median of five passes, in writes of 256 KiB.
  private static func measureSend() throws -> Double {
    try withPages { base in
      var ends: [Int32] = [-1, -1]
      guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
        throw SystemCallError(call: "socketpair", code: errno)
      }
      let input = ends[1]
      let reader = Thread {
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        while recv(input, buffer, 1 << 18, 0) > 0 {}
        buffer.deallocate()
        close(input)
      }
      reader.start()
      defer { close(ends[0]) }
      return try (0..<5).map { _ in
        let begin = MonotonicClock.nanoseconds()
        var sent = 0
        while sent < pages * 4096 {
          let count = Glibc.send(ends[0], base + sent, min(1 << 18, pages * 4096 - sent), Int32(MSG_NOSIGNAL))
          guard count > 0 else { throw SystemCallError(call: "send", code: errno) }
          sent += count
        }
        return Double(MonotonicClock.nanoseconds() - begin) / Double(pages)
      }.sorted()[2]
    }
  }
}
