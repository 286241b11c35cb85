import Glibc

/// The text of one captured file, with the name that errors give it.
public struct CaptureText: Equatable, Sendable {
  /// A longer file is refused: a machine of 16 nodes and 1024 CPUs prints 15 MiB of zoneinfo.
  public static let maximumBytes = 64 << 20

  /// The path, or what stands for it in errors.
  public var name: String
  public var bytes: [UInt8]

  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  public init(name: String, _ text: String) {
    self.init(name: name, bytes: Array(text.utf8))
  }

  /// Reads the file at `path` whole: a plain file, a pipe or a file under /proc, whose size the kernel gives as 0.
  ///
  /// - Throws: `.unreadable` where the file can't be opened or read, `.malformed` where it is longer than
  ///   `maximumBytes`.
  public static func load(_ path: String) throws(CaptureError) -> CaptureText {
    var descriptor: CInt
    repeat { descriptor = open(path, O_RDONLY | O_CLOEXEC) } while descriptor < 0 && errno == EINTR
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { close(descriptor) }

    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw unreadable(path, errno)
      }
      if count == 0 { break }
      bytes.append(contentsOf: buffer[..<count])
      guard bytes.count <= maximumBytes else {
        throw CaptureError(
          file: path, line: 1, what: "the file is longer than \(maximumBytes >> 20) MiB",
          accepted: "a copy of one /proc file")
      }
    }
    return CaptureText(name: path, bytes: bytes)
  }

  private static func unreadable(_ path: String, _ code: CInt) -> CaptureError {
    CaptureError(
      kind: .unreadable, file: path, line: nil, what: "can't be read: \(String(cString: strerror(code)))",
      accepted: "a file this user may read")
  }

  /// The lines that aren't blank, numbered as an editor numbers them. Line ends may be LF or CRLF; blanks at both ends
  /// and a byte order mark are dropped.
  var lines: [CaptureLine] {
    var result: [CaptureLine] = []
    let start = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    var number = 0
    for piece in bytes[start...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      guard let first = piece.firstIndex(where: { !Self.isBlank($0) }),
        let last = piece.lastIndex(where: { !Self.isBlank($0) })
      else { continue }
      result.append(CaptureLine(file: name, number: number, text: String(decoding: piece[first...last], as: UTF8.self)))
    }
    return result
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }
}
