import Reporting

/// Formats CSV as text.
enum CSVText {
  /// RFC 4180, with lines ending in a line feed; nil is an empty field.
  static func make(_ lines: [[String?]]) -> String {
    String(decoding: lines.flatMap { CSVWriter.line($0) }, as: UTF8.self)
  }
}
