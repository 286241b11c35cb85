import Foundation
import Machine
import Records

/// Debian's packages, fetched and unpacked into a folder. Nothing is installed.
struct DebianPackages {
  /// Where they are unpacked, as if it were /.
  let root: String
  let step: Step

  /// Fetches and unpacks packages, all or none.
  ///
  /// - Throws: ``UserError`` of kind unavailable without apt or dpkg, of kind fault if they fail; ``Interrupted``.
  func unpack(_ packages: [String]) throws {
    let fetched = root + ".new"
    if FileAccess.exists(fetched) { try FileAccess.removeFolder(fetched) }
    _ = try FileAccess.makeFolders(fetched)
    try step.run(
      ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root"] + packages, in: fetched, package: "apt")
    let files = try FileAccess.names(in: fetched).filter { $0.hasSuffix(".deb") }
    guard files.count == packages.count else {
      throw UserError(
        .unavailable, "apt-get fetched \(files.count) of \(packages.joined(separator: ", ")); log: \(step.log)")
    }
    for file in files {
      try step.run(["dpkg-deb", "--extract", file, "."], in: fetched, package: "dpkg")
      try FileAccess.remove("\(fetched)/\(file)")
    }
    if FileAccess.exists(root) { try FileAccess.removeFolder(root) }
    try FileAccess.move(fetched, to: root, as: "can't move")
  }

  /// The newest release of a kernel of some version for virtual machines, as `6.1.0-57-cloud-amd64`.
  ///
  /// - Throws: ``UserError`` of kind unavailable if apt knows none.
  static func newestRelease(of version: String) throws(UserError) -> String {
    let prefix = "linux-headers-"
    let escaped = version.replacingOccurrences(of: ".", with: "\\.")
    let found =
      CommandOutput.of(
        ["apt-cache", "search", "--names-only", "^\(prefix)\(escaped)[.].*-cloud-amd64$"],
        environment: ProcessInfo.processInfo.environment) ?? ""
    let releases = found.split(separator: "\n").compactMap { $0.split(separator: " ").first }
      .filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    guard let newest = releases.max(by: { $0.compare($1, options: .numeric) == .orderedAscending }) else {
      throw UserError(
        .unavailable,
        "apt knows no \(prefix)\(version)*-cloud-amd64 here; expected `apt-get update` before, or --kernel and --headers"
      )
    }
    return newest
  }

  /// The packages that a kernel and what modules are built against are made of.
  static func packages(ofRelease release: String) throws(UserError) -> [String] {
    let environment = ProcessInfo.processInfo.environment
    func depends(_ package: String) -> [String] {
      (CommandOutput.of(["apt-cache", "depends", package], environment: environment) ?? "").split(separator: "\n")
        .compactMap { line in
          let words = line.split(separator: " ")
          return words.count == 2 && words[0] == "Depends:" ? String(words[1]) : nil
        }
    }
    let image = "linux-image-\(release)"
    let isSigned =
      CommandOutput.of(["apt-cache", "show", image], environment: environment).map { !$0.isEmpty } ?? false
    let headers = "linux-headers-\(release)"
    let needed = depends(headers).filter { $0.hasPrefix("linux-headers-") || $0.hasPrefix("linux-kbuild-") }
    guard needed.count == 2 else {
      throw UserError(.unavailable, "apt doesn't say what \(headers) needs: \(needed.joined(separator: ", "))")
    }
    return [isSigned ? image : image + "-unsigned", headers] + needed
  }
}
