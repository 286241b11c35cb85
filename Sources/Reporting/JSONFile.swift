import Experiments
import Foundation

/// A new JSON file in the form of meta.json (pretty, keys sorted, what isn't known left out): there whole, or not at all.
public struct JSONFile {
  public let path: String

  /// Looks whether the file can be made, and makes nothing yet: for before half a minute of measuring.
  ///
  /// - Throws: ``ReportingError``: of kind usage where there is something already, which is left alone; of kind io where
  ///   the folder it is to lie in isn't there or may not be written.
  public init(newAt path: String) throws(ReportingError) {
    self.path = path
    guard !FileAccess.exists(path) else {
      throw ReportingError(kind: .usage, path: path, problem: "there is something already", help: "name a new file")
    }
    // With a slash behind it a file won't do for a folder.
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path + "/"
    guard access(folder, W_OK) == 0 else { throw .system("cannot write", path, errno) }
  }

  /// Writes it.
  ///
  /// - Throws: ``ReportingError`` of kind io.
  public func write(_ value: some Encodable) throws(ReportingError) { try Self.write(value, to: path) }

  /// Writes or replaces the file at `path`.
  ///
  /// - Throws: ``ReportingError`` of kind io.
  static func write(_ value: some Encodable, to path: String) throws(ReportingError) {
    let data: Data
    do {
      data = try RunMeta.encoder.encode(value)
    } catch {
      throw .malformed(path, "can't be written as JSON: \(error)", accepted: "numbers must be finite")
    }
    try FileAccess.writeAtomically(Array(data) + [UInt8(ascii: "\n")], to: path)
  }
}
