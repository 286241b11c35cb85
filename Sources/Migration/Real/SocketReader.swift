import Glibc
import Machine

/// Reads a socket's stream in large pieces.
final class SocketReader {
  private let socket: Int32
  private let buffer: UnsafeMutableRawPointer
  private var begin = 0
  private var end = 0
  private static let capacity = 1 << 18

  init(socket: Int32) {
    self.socket = socket
    buffer = .allocate(byteCount: Self.capacity, alignment: 4096)
  }

  deinit { buffer.deallocate() }

  /// Reads the next word; nil at the stream's end.
  ///
  /// - Throws: ``SystemCallError``; EPIPE if the stream ends within a word.
  func word() throws(SystemCallError) -> UInt64? {
    if begin == end {
      guard try fill() else { return nil }
    }
    var word: UInt64 = 0
    var failure: SystemCallError?
    withUnsafeMutableBytes(of: &word) { bytes in
      do throws(SystemCallError) { try read(into: bytes.baseAddress!, 8) } catch { failure = error }
    }
    if let failure { throw failure }
    return UInt64(littleEndian: word)
  }

  /// Reads the next bytes.
  ///
  /// - Throws: ``SystemCallError``; EPIPE if the stream ends before.
  func read(into place: UnsafeMutableRawPointer, _ bytes: Int) throws(SystemCallError) {
    var done = 0
    while done < bytes {
      if begin == end, try !fill() { throw SystemCallError(call: "recv amid a page", code: EPIPE) }
      let count = min(bytes - done, end - begin)
      memcpy(place + done, buffer + begin, count)
      begin += count
      done += count
    }
  }

  func skip(_ bytes: Int) throws(SystemCallError) {
    for _ in 0..<bytes {
      if begin == end, try !fill() { throw SystemCallError(call: "recv amid a page", code: EPIPE) }
      begin += 1
    }
  }

  /// Reads more from the socket. Returns false at the stream's end.
  private func fill() throws(SystemCallError) -> Bool {
    let count = retryingInterrupted { recv(socket, buffer, Self.capacity, 0) }
    guard count >= 0 else { throw SystemCallError(call: "recv from the source", code: errno) }
    (begin, end) = (0, count)
    return count > 0
  }
}
