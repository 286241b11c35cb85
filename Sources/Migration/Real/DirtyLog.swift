import Machine

/// Notes which pages of a guest's memory are written to.
public protocol DirtyLog {
  /// From here on every write is noted.
  ///
  /// - Throws: ``SystemCallError`` if the kernel refuses.
  mutating func start() throws(SystemCallError)

  /// Sets the bit of each page that was written to since the start or the last sync, and forgets it: what is written
  /// while this runs is noted for this sync or for the next.
  ///
  /// - Throws: ``SystemCallError`` if the kernel refuses.
  mutating func sync(into bitmap: inout MigrationBitmap) throws(SystemCallError)
}
