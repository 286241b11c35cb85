import Foundation
import Glibc
import Machine
import SystemPackage

/// A folder for the files of one boot, which goes away with this value.
struct TemporaryFolder: ~Copyable {
  let path: String

  init() throws(LinuxGuestError) {
    path = NSTemporaryDirectory() + "hintbench-guest-" + UUID().uuidString
    try Self.check(mkdir(path, 0o700), "mkdir", path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  static func / (folder: borrowing TemporaryFolder, name: String) -> String { folder.path + "/" + name }

  func makeFolder(_ name: String) throws(LinuxGuestError) {
    try Self.check(mkdir(self / name, 0o755), "mkdir", self / name)
  }

  func link(_ name: String, to target: String) throws(LinuxGuestError) {
    try Self.check(symlink(target, self / name), "symlink", self / name)
  }

  /// A file that may be executed.
  func write(_ text: String, to name: String) throws(LinuxGuestError) {
    let file = try create(name)
    defer { try? file.close() }
    do throws(Errno) { try file.writeWhole(Array(text.utf8)) } catch { throw failure(error, "write", name) }
  }

  /// Makes a file and opens it for writing. The caller closes it.
  func create(_ name: String) throws(LinuxGuestError) -> FileDescriptor {
    do throws(Errno) {
      return try .opening(
        self / name, .writeOnly, options: .create, permissions: FilePermissions(rawValue: 0o755))
    } catch {
      throw failure(error, "open", name)
    }
  }

  /// Makes a file of zeros that takes no room.
  func makeSparse(_ name: String, bytes: UInt64) throws(LinuxGuestError) {
    let file = try create(name)
    defer { try? file.close() }
    try Self.check(ftruncate(file.rawValue, Int(bytes)), "ftruncate", self / name)
  }

  /// Opens a file for reading. The caller closes it.
  func open(_ name: String) throws(LinuxGuestError) -> FileDescriptor {
    do throws(Errno) { return try .opening(self / name, .readOnly) } catch { throw failure(error, "open", name) }
  }

  /// All of a file; nothing where there is none.
  func contents(_ name: String) -> [UInt8] { FileManager.default.contents(atPath: self / name).map(Array.init) ?? [] }

  private func failure(_ error: Errno, _ call: String, _ name: String) -> LinuxGuestError {
    .files(SystemCallError(call: "\(call) of \(self / name)", code: error.rawValue))
  }

  private static func check(_ result: Int32, _ call: String, _ path: String) throws(LinuxGuestError) {
    if result < 0 { throw .files(SystemCallError(call: "\(call) of \(path)", code: errno)) }
  }
}
