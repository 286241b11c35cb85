import Foundation
import Machine

/// The guest's first files, packed as the kernel wants them (cpio, newc).
struct Initramfs {
  /// Files by path, and their text. All may be executed.
  var texts: [String: String]
  /// Programs in `/bin` by name, and the files here that they are copies of.
  var programs: [String: String]
  /// Files in `/guest` by name, and the files here that they are copies of.
  var files: [String: String] = [:]

  /// Packs them into the file `initramfs` of the folder.
  func write(in folder: borrowing TemporaryFolder) throws(LinuxGuestError) {
    let cpio = try ProgramSearch.find("cpio", package: "cpio")
    let folders = ["bin", "guest"]
    for name in ["root"] + folders.map({ "root/" + $0 }) { try folder.makeFolder(name) }
    for (name, text) in texts { try folder.write(text, to: "root/" + name) }
    let copies = programs.map { ("bin/" + $0, $1) } + files.map { ("guest/" + $0, $1) }
    for (name, file) in copies {
      // A link here, the file there: cpio follows it.
      try folder.link("root/" + name, to: URL(fileURLWithPath: file).standardizedFileURL.path)
    }
    let names = folders + (texts.keys + copies.map(\.0)).sorted()
    try folder.write(names.map { $0 + "\n" }.joined(), to: "names")

    let input = try folder.open("names")
    defer { try? input.close() }
    let output = try folder.create("initramfs")
    defer { try? output.close() }
    let words = [cpio, "--create", "--format=newc", "--dereference", "--quiet", "--owner=+0:+0"]
    let end: ProcessEnd
    do {
      var child = try ChildProcess(
        words + ["--directory=\(folder / "root")"], input: input.rawValue, output: output.rawValue)
      end = child.wait()
    } catch {
      throw .cannotStart(program: cpio, error)
    }
    guard end == .exited(0) else { throw .packingFailed(end) }
  }
}
