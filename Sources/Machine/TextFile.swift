import Records

/// A new text file, written completely or not at all.
public struct TextFile {
  public let path: String

  /// Checks that the file can be created, without creating it.
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
  public func write(_ text: String) throws(UserError) {
    try FileAccess.writeAtomically(Array(text.utf8), to: path)
  }
}
