import Foundation
import Glibc
import Machine
import Records
import SystemPackage

/// This machine's own kernel, into which the probe is loaded for each repetition and unloaded after it. Needs root.
public struct HostKernel: RealKernel {
  public let version: String
  private let module: String

  public var source: KernelRunSource { .host }
  public var boots: Bool { false }

  /// The probe for the running kernel: compiled against its headers, or a module that was compiled elsewhere.
  ///
  /// - Parameters:
  ///   - headers: what modules are built against; nil: what the running kernel's package has.
  ///   - module: the module's file; nil: it is built.
  /// - Throws: ``UserError``: of kind unavailable without root or headers; ``Interrupted``.
  public init(headers: String?, module: String?, in folder: KernelFolder, say: (String) -> Void) throws {
    guard geteuid() == 0 else {
      throw UserError(.unavailable, "--host loads a module into the running kernel; expected to be run as root")
    }
    let running = try Self.text("/proc/sys/kernel/osrelease")
    version = running
    if let module {
      guard FileAccess.exists(module) else { throw UserError.usage("invalid module '\(module)': no such file") }
      self.module = module
      return
    }
    let path = headers ?? "/lib/modules/\(running)/build"
    guard FileAccess.exists(path) else {
      throw UserError(
        .unavailable,
        "no \(path) to build the probe against; apt-get install linux-headers-\(running), or name --headers")
    }
    let place = folder.path + "/host-\(running)"
    let built = try KernelFolder.building(in: place) { step in
      say("building the probe's module for \(running) (log: \(step.log))")
      return try ProbeModule.build(headers: path, in: place, step)
    }
    guard built.version == running else {
      throw UserError.usage(
        "invalid headers '\(path)': of \(built.version); expected those of \(running), which runs here")
    }
    self.module = built.path
  }

  public func run(_ commands: [String], preparing: String, bytes: UInt64) throws -> KernelRun {
    if !(try Self.text("/proc/mounts")).contains(" \(ProbeScript.debugfs) ") {
      try Self.call(["mount", "-t", "debugfs", "debugfs", ProbeScript.debugfs], "can't mount debugfs")
    }
    guard !FileAccess.exists(ProbeScript.probe) else {
      throw UserError(.unavailable, "the probe is loaded already; expected `rmmod hintprobe` before")
    }
    // Ctrl-C may end insmod when the module is in already.
    defer { if FileAccess.exists(ProbeScript.probe) { unload() } }
    try Self.call(["insmod", module], "the probe's module doesn't load in \(version)")
    var text = try execute(preparing)
    let before = try ProbeScript.proc.map { ($0, try Self.text("/proc/" + $0)) }
    // One at a time: Ctrl-C is heeded between two.
    for command in commands {
      if Interrupt.isRequested { throw Interrupted() }
      text += try execute(command)
    }
    return KernelRun(
      report: try ProbeReport.whole(text, of: version), before: Dictionary(uniqueKeysWithValues: before))
  }

  private func unload() {
    do { try Self.call(["rmmod", "hintprobe"], "the probe can't be unloaded") } catch {
      FileHandle.standardError.write(Data("hintbench: \(error); it keeps its memory until `rmmod hintprobe`\n".utf8))
    }
  }

  /// What the probe printed for a command.
  ///
  /// - Throws: ``UserError`` if it wasn't executed, failed, or printed more than there is room for.
  private func execute(_ command: String) throws -> String {
    let path = ProbeScript.probe + "/commands"
    var code: Int32 = 0
    do throws(Errno) {
      let file = try FileDescriptor.opening(path, .writeOnly)
      defer { try? file.close() }
      try file.writeWhole(Array(command.utf8))
    } catch {
      code = error.rawValue
    }
    let text = try Self.text(ProbeScript.probe + "/result")
    // A result that isn't this command's is an earlier one's.
    guard text.contains("command \(command)\n") else { throw UserError.system("can't write", path, code) }
    _ = try ProbeReport.whole(text, of: version)
    guard code == 0 else { throw UserError.system("can't write", path, code) }
    return text
  }

  private static func text(_ path: String) throws(UserError) -> String {
    let text = String(decoding: try FileAccess.read(path), as: UTF8.self)
    return text.hasSuffix("\n") && !text.dropLast().contains("\n") ? String(text.dropLast()) : text
  }

  private static func call(_ words: [String], _ failure: String) throws(UserError) {
    let environment = ProcessInfo.processInfo.environment
    guard CommandOutput.of(words, environment: environment) != nil else {
      throw UserError(
        .unavailable, "\(failure): `\(words.joined(separator: " "))` failed; see dmesg, and whether it is installed")
    }
  }
}
