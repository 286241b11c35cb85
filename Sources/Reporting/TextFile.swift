/// A new file of text: there whole, or not at all.
public struct TextFile {
  public let path: String

  /// Looks whether the file can be made, and makes nothing yet.
  ///
  /// - Throws: ``ReportingError``: of kind usage where there is something already, which is left alone; of kind io where
  ///   the folder it is to lie in isn't there or may not be written.
  public init(newAt path: String) throws(ReportingError) {
    self.path = path
    try FileAccess.requireNew(path)
  }

  /// Writes it.
  ///
  /// - Throws: ``ReportingError`` of kind io.
  public func write(_ text: String) throws(ReportingError) {
    try FileAccess.writeAtomically(Array(text.utf8), to: path)
  }
}
