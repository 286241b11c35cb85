import Foundation
import Machine
import Records
import SystemPackage

/// Appends to a CSV file (RFC 4180, lines end in a line feed): each call is one write(2) of whole lines on a descriptor
/// that only appends, so that a killed program leaves at most one torn line, at the end.
public final class CSVWriter {
  /// The file.
  public let path: String
  private let file: FileDescriptor

  /// Makes the file, which must not be there yet, with its header line.
  ///
  /// - Throws: ``UserError`` of kind io.
  public convenience init(creating path: String, header: [String]) throws(UserError) {
    try self.init(path, options: [.create, .exclusiveCreate])
    try append([header])
  }

  /// Continues a file that has its header line.
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

  /// Appends a line for each row; nil stands for an empty field. Where not all of it could be written, nothing of it
  /// stays in the file.
  ///
  /// - Throws: ``UserError`` of kind io: no space, or what else the system says.
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

  /// The file's length in bytes; nil if it has none.
  var length: Int? {
    var status = stat()
    return fstat(file.rawValue, &status) == 0 ? Int(status.st_size) : nil
  }

  /// Cuts the file back to a length it had. Best effort: what stays is dropped when the run is resumed.
  func truncate(to length: Int?) {
    guard let length else { return }
    try? file.resize(to: Int64(length))
  }

  /// A line, its line feed included.
  package static func line(_ fields: [String?]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (index, field) in fields.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: encoded(field ?? ""))
    }
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  /// A field, in quotes where it holds anything but plain visible ASCII and inner spaces: readers differ in what else
  /// they take for white space or the end of a line.
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
