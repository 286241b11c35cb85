import Reporting

/// CSV as a text.
enum CSVText {
  /// RFC 4180, lines that end in a line feed; nil is an empty field.
  static func make(_ lines: [[String?]]) -> String {
    String(decoding: lines.flatMap { CSVWriter.line($0) }, as: UTF8.self)
  }
}
