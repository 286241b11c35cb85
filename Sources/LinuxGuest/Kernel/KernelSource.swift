import Foundation
import Machine
import Records

/// Where a kernel's source comes from.
public enum KernelSource: Hashable, Sendable, CustomStringConvertible {
  /// Debian's package `linux-source-VERSION`.
  case debian(version: String)
  /// A tree, such as the one with the series that is about to be sent. It is only read.
  case tree(path: String)

  /// The versions that Debian's packages are taken of.
  public static let debianVersions = ["6.1", "6.12"]

  /// Parses a version or the path of a tree.
  ///
  /// - Throws: ``UserError`` of kind usage if it is neither.
  public init(_ text: String) throws(UserError) {
    if Self.debianVersions.contains(text) {
      self = .debian(version: text)
      return
    }
    for file in ["Kbuild", "mm/page_alloc.c", "arch/um/Kconfig"] where !FileAccess.exists("\(text)/\(file)") {
      throw .usage(
        "invalid source '\(text)': no \(file) in it; expected \(Self.debianVersions.joined(separator: ", ")), or the "
          + "folder of a kernel's source")
    }
    self = .tree(path: URL(fileURLWithPath: text).standardizedFileURL.path)
  }

  public var description: String {
    switch self {
    case .debian(let version): "Debian's linux-source-\(version)"
    case .tree(let path): path
    }
  }

  /// The name of its folder among the built kernels: the same for the same source.
  var folderName: String {
    switch self {
    case .debian(let version): return "debian-\(version)"
    case .tree(let path):
      return "tree-\(URL(fileURLWithPath: path).lastPathComponent)-\(KernelFolder.hashed(path))"
    }
  }
}
