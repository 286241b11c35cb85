import Foundation
import Machine
import Records
import SystemPackage

/// Appends to a CSV file (RFC 4180, lines end in a line feed). Each call is one write(2) of complete lines on an
/// append-only descriptor, so that a killed program leaves at most one torn line, at the end.
public final class CSVWriter {
  /// The file's path.
  public let path: String
  private let file: FileDescriptor

  /// Creates a file, which must not exist, with its header line.
  ///
  /// - Throws: ``UserError`` of kind io.
  public convenience init(creating path: String, header: [String]) throws(UserError) {
    try self.init(path, options: [.create, .exclusiveCreate])
    try append([header])
  }

  /// Opens a file that has its header line.
  ///
  /// - Throws: ``UserError`` of kind io.
  public convenience init(appendingTo path: String) throws(UserError) {
    try self.init(path, options: [])
  }

  private init(_ path: String, options: FileDescriptor.OpenOptions) throws(UserError) {
    self.path = path
    file = try FileAccess.open(path, .writeOnly, options: options.union(.append))
  }

  deinit { try? file.close() }

  /// Appends a line for each row; nil is an empty field. After a partial write the file is truncated, so that nothing
  /// of it stays.
  ///
  /// - Throws: ``UserError`` of kind io, such as no space.
  public func append(_ rows: [[String?]]) throws(UserError) {
    guard !rows.isEmpty else { return }
    let before = length
    do {
      try FileAccess.write(rows.flatMap(Self.line), to: file, path: path)
    } catch {
      truncate(to: before)
      throw error
    }
  }

  /// Appends a line for each record.
  ///
  /// - Throws: ``UserError`` of kind io.
  public func append<Record: TabularRecord>(_ records: [Record]) throws(UserError) {
    try append(records.map(\.fields))
  }

  /// The file's length in bytes; nil if unknown.
  var length: Int? {
    var status = stat()
    return fstat(file.rawValue, &status) == 0 ? Int(status.st_size) : nil
  }

  /// Truncates the file to an earlier length. Best effort: anything left is dropped when the run is resumed.
  func truncate(to length: Int?) {
    guard let length else { return }
    try? file.resize(to: Int64(length))
  }

  /// A line, including its line feed.
  package static func line(_ fields: [String?]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (index, field) in fields.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: encoded(field ?? ""))
    }
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  /// A field, quoted if it contains anything but visible ASCII and inner spaces: readers differ in what else they treat
  /// as white space or line end.
  private static func encoded(_ field: String) -> [UInt8] {
    let bytes = Array(field.utf8)
    let space = UInt8(ascii: " ")
    let quote = UInt8(ascii: "\"")
    let isPlain =
      bytes.allSatisfy { (space...UInt8(ascii: "~")).contains($0) && $0 != quote && $0 != UInt8(ascii: ",") }
      && bytes.first != space && bytes.last != space
    guard !isPlain else { return bytes }
    return [quote] + bytes.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
  }
}
