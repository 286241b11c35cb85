import Glibc
import Machine
import SystemPackage

/// The text of a capture file, with its name for errors.
public struct CaptureText: Equatable, Sendable {
  /// The largest file accepted: a machine of 16 nodes and 1024 CPUs prints 15 MiB of zoneinfo.
  public static let maximumBytes = 64 << 20

  /// The path, or a name for errors.
  public var name: String
  public var bytes: [UInt8]

  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  public init(name: String, _ text: String) {
    self.init(name: name, bytes: Array(text.utf8))
  }

  /// The path that stands for standard input.
  public static let standardInputPath = "-"
  /// Standard input can be read once; several experiments of a run ask for it.
  private static let standardInput = Result { () throws(CaptureError) in
    try read(.standardInput, standardInputPath)
  }

  /// Reads the file at `path` completely: a plain file, a pipe, a file under /proc, whose size is given as 0, or `-`,
  /// which is standard input.
  ///
  /// - Throws: `.unreadable` if the file can't be opened or read, `.malformed` if it is longer than `maximumBytes`.
  public static func load(_ path: String) throws(CaptureError) -> CaptureText {
    if path == standardInputPath { return try standardInput.get() }
    let file: FileDescriptor
    do throws(Errno) { file = try .opening(path, .readOnly) } catch { throw unreadable(path, error.rawValue) }
    defer { try? file.close() }
    return try read(file, path)
  }

  private static func read(_ file: FileDescriptor, _ path: String) throws(CaptureError) -> CaptureText {
    let bytes: [UInt8]
    do throws(Errno) { bytes = try file.readToEnd(limit: maximumBytes) } catch {
      throw unreadable(path, error.rawValue)
    }
    guard bytes.count <= maximumBytes else {
      throw CaptureError(
        file: path, line: 1, what: "the file is longer than \(maximumBytes >> 20) MiB",
        accepted: "a copy of one /proc file")
    }
    return CaptureText(name: path, bytes: bytes)
  }

  static func unreadable(_ path: String, _ code: CInt) -> CaptureError {
    CaptureError(
      kind: .unreadable, file: path, line: nil, what: "can't be read: \(String(cString: strerror(code)))",
      accepted: "a file this user may read")
  }

  /// The non-blank lines, with their line numbers. Accepts LF and CRLF; strips surrounding blanks and a byte order
  /// mark.
  var lines: [CaptureLine] {
    var result: [CaptureLine] = []
    let start = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    var number = 0
    for piece in bytes[start...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      guard let first = piece.firstIndex(where: { !Self.isBlank($0) }),
        let last = piece.lastIndex(where: { !Self.isBlank($0) })
      else { continue }
      result.append(
        CaptureLine(
          file: name, number: number, text: String(decoding: piece[first...last], as: UTF8.self),
          indent: first - piece.startIndex))
    }
    return result
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }
}
