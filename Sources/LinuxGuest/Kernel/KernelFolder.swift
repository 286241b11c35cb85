import Foundation
import Machine
import Records

/// Where kernels are unpacked and built, and stay for the next time.
public struct KernelFolder: Sendable {
  /// The folder's absolute path.
  public let path: String

  /// Uses a folder; nil: `hintbench` in $XDG_CACHE_HOME or ~/.cache.
  public init(_ path: String?) {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? NSHomeDirectory() + "/.cache"
    self.path = URL(fileURLWithPath: path ?? cache + "/hintbench").standardizedFileURL.path
  }

  /// Builds something in a folder, which is made: one builds there at a time, with a new log.
  ///
  /// - Throws: ``UserError``; what `body` throws.
  static func building<Result>(in place: String, _ body: (Step) throws -> Result) throws -> Result {
    _ = try FileAccess.makeFolders(place)
    let lock = try FolderLock(place)
    defer { withExtendedLifetime(lock) {} }
    let log = place + "/log"
    try? FileAccess.remove(log)
    return try body(Step(log: log))
  }

  /// A part of a folder's name that is the same for the same text.
  static func hashed(_ text: String) -> String {
    var hash = FNV1a()
    hash.add(text)
    return String(hash.value, radix: 16)
  }

  /// The folder of one source's build.
  func folder(of source: KernelSource) -> String { "\(path)/\(source.folderName)" }

  /// The folder of the sources of the probe, in the checkout that this program was built in.
  ///
  /// - Throws: ``UserError`` of kind unavailable if the program isn't in its checkout.
  static func probe() throws(UserError) -> String {
    var folder = URL(
      fileURLWithPath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/")
    while folder.path != "/" {
      folder.deleteLastPathComponent()
      let probe = folder.appendingPathComponent("Sources/KernelProbe").path
      if FileAccess.exists(probe + "/probe.h") { return probe }
    }
    throw UserError(
      .unavailable,
      "no Sources/KernelProbe in a folder above this program; expected the program in the checkout it was built in")
  }
}
