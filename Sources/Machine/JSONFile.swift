import Foundation
import Records

/// A new JSON file (pretty, keys sorted, what isn't known left out): there whole, or not at all.
public struct JSONFile {
  public let path: String

  /// Looks whether the file can be made, and makes nothing yet: for before half a minute of measuring.
  ///
  /// - Throws: ``UserError``: of kind usage if there is something already, which is left alone; of kind io where
  ///   the folder it is to lie in isn't there or may not be written.
  public init(newAt path: String) throws(UserError) {
    self.path = path
    try FileAccess.requireNew(path)
  }

  /// Writes it.
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
