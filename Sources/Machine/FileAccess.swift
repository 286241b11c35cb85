import Glibc
import Records
import SystemPackage

/// File system operations by path. Failed system calls are thrown as ``UserError``.
package enum FileAccess {
  /// Opens a file or folder; the caller closes the descriptor.
  package static func open(
    _ path: String, _ mode: FileDescriptor.AccessMode, options: FileDescriptor.OpenOptions = []
  ) throws(UserError) -> FileDescriptor {
    do throws(Errno) {
      return try .opening(path, mode, options: options, permissions: FilePermissions(rawValue: 0o644))
    } catch {
      throw .system("cannot open", path, error.rawValue)
    }
  }

  /// Writes all bytes: one write(2); after a short write the rest is tried, to learn the reason.
  package static func write(_ bytes: [UInt8], to file: FileDescriptor, path: String) throws(UserError) {
    do throws(Errno) { try file.writeWhole(bytes) } catch { throw .system("cannot write", path, error.rawValue) }
  }

  /// Reads a whole file.
  package static func read(_ path: String) throws(UserError) -> [UInt8] {
    let file = try open(path, .readOnly)
    defer { try? file.close() }
    do throws(Errno) { return try file.readToEnd() } catch { throw .system("cannot read", path, error.rawValue) }
  }

  /// Writes a temporary file beside the path and renames it, so that readers and crashes see either the old or the new
  /// content.
  package static func writeAtomically(_ bytes: [UInt8], to path: String) throws(UserError) {
    let temporary = path + temporarySuffix
    let file = try open(temporary, .writeOnly, options: [.create, .truncate])
    do throws(Errno) { try file.writeToDisk(bytes) } catch {
      unlink(temporary)
      throw .system("cannot write", path, error.rawValue)
    }
    do { try move(temporary, to: path, as: "cannot replace") } catch {
      unlink(temporary)
      throw error
    }
  }

  /// The suffix of a file being written.
  package static let temporarySuffix = ".tmp"

  /// Moves a file or folder, replacing a file at the destination. `action`: describes the operation in an error.
  package static func move(_ path: String, to place: String, as action: String) throws(UserError) {
    guard rename(path, place) == 0 else { throw .system(action, place, errno) }
  }

  /// Whether anything exists at the path.
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Whether the path is a folder, or a link to one.
  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Checks that a file of this path can be created: nothing exists there, and its folder exists and is writable.
  static func requireNew(_ path: String) throws(UserError) {
    guard !exists(path) else {
      throw UserError(kind: .usage, path: path, problem: "there is something already", help: "name a new file")
    }
    let folder = FilePath(path).removingLastComponent()
    // The trailing slash makes this fail for a file.
    guard access(folder.isEmpty ? "./" : folder.string + "/", W_OK) == 0 else {
      throw .system("cannot write", path, errno)
    }
  }

  /// The names in a folder, sorted, without `.` and `..`.
  package static func names(in path: String) throws(UserError) -> [String] {
    guard let stream = opendir(path) else { throw .system("cannot open", path, errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Creates a folder whose parent exists.
  package static func makeFolder(_ path: String) throws(UserError) {
    guard mkdir(path, 0o755) == 0 else { throw .system("cannot make the folder", path, errno) }
  }

  /// Creates a folder and its missing parents. Returns the created ones, outermost first.
  package static func makeFolders(_ path: String) throws(UserError) -> [String] {
    let folders = FilePath(path)
    var made: [String] = []
    var current = FilePath(root: folders.root, [FilePath.Component]())
    for component in folders.components {
      current.append(component)
      if mkdir(current.string, 0o755) == 0 {
        made.append(current.string)
        continue
      }
      let code = errno
      if isFolder(current.string) { continue }
      for folder in made.reversed() { rmdir(folder) }
      throw .system("cannot make the folder", path, code == EEXIST ? ENOTDIR : code)
    }
    return made
  }

  /// Removes a file.
  package static func remove(_ path: String) throws(UserError) {
    guard unlink(path) == 0 else { throw .system("cannot remove", path, errno) }
  }

  /// Removes a folder and the files in it.
  package static func removeFolder(_ path: String) throws(UserError) {
    for name in try names(in: path) { try remove(path + "/" + name) }
    guard rmdir(path) == 0 else { throw .system("cannot remove", path, errno) }
  }
}
