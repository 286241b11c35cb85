import Experiments
import Foundation

/// The ladder as a JSON file: there whole, or not at all.
public struct CalibrationFile {
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
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    close(try FileAccess.open(folder, O_RDONLY | O_DIRECTORY))
    guard access(folder, W_OK) == 0 else { throw .system("cannot write", folder, errno) }
  }

  /// Writes it.
  ///
  /// - Throws: ``ReportingError`` of kind io.
  public func write(_ calibration: Calibration) throws(ReportingError) {
    let data: Data
    do {
      data = try RunMeta.encoder.encode(calibration)
    } catch {
      throw .malformed(path, "can't be written as JSON: \(error)", accepted: "numbers must be finite")
    }
    try FileAccess.writeAtomically(Array(data) + [UInt8(ascii: "\n")], to: path)
  }
}
