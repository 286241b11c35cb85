import Machine

/// Records which pages of a guest's memory are written.
public protocol DirtyLog {
  /// Starts recording writes.
  ///
  /// - Throws: ``SystemCallError`` if the kernel refuses.
  mutating func start() throws(SystemCallError)

  /// Sets the bit of each page written since the start or the last sync, and resets the log. A write during the sync is
  /// recorded for this sync or the next.
  ///
  /// - Throws: ``SystemCallError`` if the kernel refuses.
  mutating func sync(into bitmap: inout MigrationBitmap) throws(SystemCallError)
}
