import Records

/// A new file of text: there whole, or not at all.
public struct TextFile {
  public let path: String

  /// Looks whether the file can be made, and makes nothing yet.
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
  public func write(_ text: String) throws(UserError) {
    try FileAccess.writeAtomically(Array(text.utf8), to: path)
  }
}
