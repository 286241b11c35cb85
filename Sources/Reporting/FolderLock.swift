import Foundation

/// A lock on a folder (flock(2)), held as long as this object lives: one process writes a run at a time.
final class FolderLock {
  private let descriptor: Int32

  /// - Throws: ``ReportingError`` of kind io where the folder can't be opened or another holds the lock.
  init(_ path: String) throws(ReportingError) {
    descriptor = try FileAccess.open(path, O_RDONLY | O_DIRECTORY)
    // Some file systems have no locks: only a lock that another holds is a reason to stop.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      throw .system("cannot lock", path, EWOULDBLOCK)
    }
  }

  deinit {
    // Closing alone would leave it to a child that is between its fork and its exec.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}
