import Foundation
import Records

/// A new JSON file (pretty, sorted keys, unknown values left out), written completely or not at all.
public struct JSONFile {
  public let path: String

  /// Checks that the file can be created, without creating it; called before half a minute of measuring.
  ///
  /// - Throws: ``UserError``: of kind usage if the path exists, which is left unchanged; of kind io if its folder
  ///   doesn't exist or isn't writable.
  public init(newAt path: String) throws(UserError) {
    self.path = path
    try FileAccess.requireNew(path)
  }

  /// Writes the file.
  ///
  /// - Throws: ``UserError`` of kind io.
  public func write(_ value: some Encodable) throws(UserError) { try Self.write(value, to: path) }

  /// Writes or replaces the file at `path`.
  ///
  /// - Throws: ``UserError`` of kind io.
  package static func write(_ value: some Encodable, to path: String) throws(UserError) {
    let data: Data
    do {
      data = try JSONEncoder.standard.encode(value)
    } catch {
      throw .input(file: path, "can't be written as JSON: \(error)", accepted: "expected finite numbers")
    }
    try FileAccess.writeAtomically(Array(data) + [UInt8(ascii: "\n")], to: path)
  }
}
