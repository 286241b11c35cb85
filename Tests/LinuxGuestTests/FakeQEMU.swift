import Foundation
import LinuxGuest
import Testing

/// A folder with a shell script in QEMU's place.
final class FakeQEMU {
  let folder: String
  /// A guest that would be run by the script.
  let guest: LinuxGuest

  /// - Parameter script: what it does. `$console` and `$report` are the files behind the guest's serial ports.
  init(folder: String? = nil, _ script: String) throws {
    self.folder = folder ?? NSTemporaryDirectory() + "hintbench-fake-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    let path = self.folder + "/qemu"
    let text = """
      #!/bin/sh
      echo $$ >'\(self.folder)/pid'
      echo "$@" >'\(self.folder)/words'
      for word; do
        case $word in
          file,id=console,path=*) console=${word#*path=} ;;
          file,id=report,path=*) report=${word#*path=} ;;
          */initramfs) cp "$word" '\(self.folder)/initramfs' ;;
        esac
      done
      \(script)
      """
    // Written by another process: a file that is open for writing can't be started, and what other tests start at this
    // moment may hold what is open here.
    let write = #"printf '%s\n' "$1" >"$2" && chmod +x "$2""#
    try #require(Here.output(of: "sh", "-c", write, "sh", text, path) != nil)
    var guest = LinuxGuest(kernel: path, busybox: path, nodes: 2, cpusPerNode: 2)
    guest.qemu = path
    self.guest = guest
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A file that the script left.
  func text(_ name: String) throws -> String { try String(contentsOfFile: folder + "/" + name, encoding: .utf8) }

  /// The script's process.
  func process() throws -> Int { Int(try text("pid").dropLast()) ?? 0 }
}
