import Foundation
import Machine

/// A directory with given files that stands for `/`; removed with the value that holds it.
public final class FakeTree {
  public let path: String

  public init(_ files: [String: String] = [:]) throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("hintbench-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, text) in files {
      let file = URL(fileURLWithPath: path + name)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Reads in the tree, which stays that long.
  public func read<Result>(_ body: (HostFiles) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(HostFiles(root: path)) }
  }
}
