import Foundation
import Glibc
import Machine

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
    let file = try open(name, O_WRONLY | O_CREAT)
    defer { close(file) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if written < 0 && errno == EINTR { continue }
      try Self.check(written < 0 ? -1 : 0, "write", self / name)
      rest = rest.dropFirst(written)
    }
  }

  /// Opens a file. The caller closes it.
  func open(_ name: String, _ flags: Int32) throws(LinuxGuestError) -> Int32 {
    let file = Glibc.open(self / name, flags | O_CLOEXEC, 0o755)
    try Self.check(file, "open", self / name)
    return file
  }

  /// All of a file; nothing where there is none.
  func contents(_ name: String) -> [UInt8] { FileManager.default.contents(atPath: self / name).map(Array.init) ?? [] }

  private static func check(_ result: Int32, _ call: String, _ path: String) throws(LinuxGuestError) {
    if result < 0 { throw .files(SystemCallError(call: "\(call) of \(path)", code: errno)) }
  }
}
