import Glibc
import Records
import SystemPackage

/// A lock on a folder (flock(2)), held while this object lives: only one process writes in it at a time.
package final class FolderLock {
  private let folder: FileDescriptor

  /// - Throws: ``UserError`` of kind io if the folder can't be opened or another holds the lock.
  package init(_ path: String) throws(UserError) {
    folder = try FileAccess.open(path, .readOnly, options: .directory)
    // Some file systems have no locks: only a lock held by another process is an error.
    if flock(folder.rawValue, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      throw .system("cannot lock", path, EWOULDBLOCK)
    }
  }

  deinit {
    // Closing isn't enough: a child between fork and exec would keep the lock.
    flock(folder.rawValue, LOCK_UN)
    try? folder.close()
  }
}
