import Foundation
import Machine
import Records
import SystemPackage

/// The system calls of this module, with their errors as ``UserError``.
package enum FileAccess {
  /// Opens a file or folder; the descriptor is the caller's to close.
  static func open(
    _ path: String, _ mode: FileDescriptor.AccessMode, options: FileDescriptor.OpenOptions = []
  ) throws(UserError) -> FileDescriptor {
    do throws(Errno) {
      return try .opening(path, mode, options: options, permissions: FilePermissions(rawValue: 0o644))
    } catch {
      throw .system("cannot open", path, error.rawValue)
    }
  }

  /// Writes all the bytes: one write(2) unless that comes up short, when the rest is tried to learn why.
  static func write(_ bytes: [UInt8], to file: FileDescriptor, path: String) throws(UserError) {
    do throws(Errno) { try file.writeWhole(bytes) } catch { throw .system("cannot write", path, error.rawValue) }
  }

  /// The whole file.
  static func read(_ path: String) throws(UserError) -> [UInt8] {
    let file = try open(path, .readOnly)
    defer { try? file.close() }
    do throws(Errno) { return try file.readToEnd() } catch { throw .system("cannot read", path, error.rawValue) }
  }

  /// Writes a file of its own beside the path and puts it in the path's place, so that a reader finds the old content
  /// or the new, and a crash leaves one of the two.
  package static func writeAtomically(_ bytes: [UInt8], to path: String) throws(UserError) {
    let temporary = path + temporarySuffix
    let file = try open(temporary, .writeOnly, options: [.create, .truncate])
    do throws(Errno) { try file.writeToDisk(bytes) } catch {
      unlink(temporary)
      throw .system("cannot write", path, error.rawValue)
    }
    guard rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw .system("cannot replace", path, code)
    }
  }

  /// The end of the name of a file that is being written.
  static let temporarySuffix = ".tmp"

  /// Whether there is something at the path.
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Looks whether a file of this path can be made: that nothing is there, and that its folder is and may be written.
  static func requireNew(_ path: String) throws(UserError) {
    guard !FileAccess.exists(path) else {
      throw UserError(kind: .usage, path: path, problem: "there is something already", help: "name a new file")
    }
    // With a slash behind it a file won't do for a folder.
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path + "/"
    guard access(folder, W_OK) == 0 else { throw .system("cannot write", path, errno) }
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

  /// Makes the folder and the parents it lacks. Returns those made, outermost first.
  package static func makeFolders(_ path: String) throws(UserError) -> [String] {
    var made: [String] = []
    var current = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      current += (current.isEmpty || current.hasSuffix("/") ? "" : "/") + component
      if mkdir(current, 0o755) == 0 {
        made.append(current)
        continue
      }
      let code = errno
      if isFolder(current) { continue }
      for folder in made.reversed() { rmdir(folder) }
      throw .system("cannot make the folder", path, code == EEXIST ? ENOTDIR : code)
    }
    return made
  }

  /// Whether the path is a folder, or a link to one.
  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Removes a folder and the files in it.
  static func removeFolder(_ path: String) throws(UserError) {
    for name in try names(in: path) {
      guard unlink(path + "/" + name) == 0 else { throw .system("cannot remove", path + "/" + name, errno) }
    }
    guard rmdir(path) == 0 else { throw .system("cannot remove", path, errno) }
  }
}
