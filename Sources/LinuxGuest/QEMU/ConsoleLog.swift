/// What came out of a guest's console, or of QEMU.
struct ConsoleLog {
  let text: String

  init(_ bytes: [UInt8]) { text = String(decoding: bytes.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self) }

  private var lines: [Substring] { text.split(separator: "\n") }

  /// The last lines, in one.
  var tail: String { lines.suffix(6).joined(separator: " | ") }

  /// The line in which the kernel said that it goes no further.
  var panic: String? { lines.first { $0.contains("Kernel panic - not syncing") }.map(String.init) }
}
