import Foundation
import Machine
import Records

/// A kernel as a program of this machine: User Mode Linux with the probe built in. Its mm runs at native speed, needs no
/// root and no KVM; it has one CPU, no NUMA, and spinlocks that are empty.
public struct UMLKernel: RealKernel {
  /// The program.
  public let program: String
  /// The version of its source, as `make kernelversion` has it.
  public let version: String

  public var source: KernelRunSource { .native }
  public var boots: Bool { true }

  public func run(_ commands: [String], preparing: String, bytes: UInt64) throws -> KernelRun {
    let text = try UMLBoot(kernel: self, bytes: bytes, limit: .seconds(300)).text([preparing] + commands)
    var run = KernelRun(report: try ProbeReport.whole(text, of: version))
    // tinyconfig's.
    run.pageInit = "none"
    return run
  }

  /// What the kernel is built with beyond `tinyconfig`.
  ///
  /// COMPACTION and PAGE_REPORTING: what the designs need. MEMCG: with it a struct page has 64 bytes, as in distributions'
  /// kernels; without, 56. Optimised for speed, as distributions are; tinyconfig isn't.
  private static let options = [
    "64BIT", "PRINTK", "PROC_FS", "SYSFS", "BLK_DEV_INITRD", "COMPACTION", "PAGE_REPORTING", "CGROUPS", "MEMCG", "TTY",
    "CC_OPTIMIZE_FOR_PERFORMANCE", "STATIC_LINK", "STDERR_CONSOLE", "SLUB", "BUG",
  ]
  private static let without = ["CC_OPTIMIZE_FOR_SIZE", "SLOB", "SLUB_TINY", "EMBEDDED"]

  /// Builds a kernel, or what changed since it was last built.
  ///
  /// - Parameter say: told what is being done.
  /// - Throws: ``UserError``; ``Interrupted``.
  public static func build(
    _ source: KernelSource, in folder: KernelFolder, say: (String) -> Void = { _ in }
  ) throws -> UMLKernel {
    let probe = try KernelFolder.probe()
    let place = folder.folder(of: source)
    return try KernelFolder.building(in: place) { step in
      let tree = try source.unpacked(in: place, step, say: say)
      let shadow = place + "/shadow"
      try makeShadow(of: tree, probe: probe, at: shadow)

      let output = place + "/build"
      _ = try FileAccess.makeFolders(output)
      // User Mode Linux asks for -mcmodel=large, which calls every function through a register. It is linked below 2 GiB,
      // where calls can be direct, as they are in other kernels.
      let make = [
        "make", "-C", shadow, "O=\(output)", "ARCH=um", "KCFLAGS=-mcmodel=small",
        "-j\(ProcessInfo.processInfo.activeProcessorCount)",
      ]
      let wanted = (options.map { "CONFIG_\($0)=y" } + without.map { "# CONFIG_\($0) is not set" }).joined(
        separator: "\n")
      let fragment = output + "/hintprobe.config"
      // Configured once, unless what is wanted changed: a configuration that is written anew compiles everything anew.
      if (try? FileAccess.read(fragment)) != Array(wanted.utf8) || !FileAccess.exists(output + "/.config") {
        say("configuring \(source)")
        try step.run(make + ["tinyconfig"], package: "make gcc flex bison bc")
        let configuration = try FileAccess.read(output + "/.config") + Array("\n\(wanted)\n".utf8)
        try FileAccess.writeAtomically(configuration, to: output + "/.config")
        try step.run(make + ["olddefconfig"], package: "make")
        try requireOptions(in: output + "/.config", source)
        try FileAccess.writeAtomically(Array(wanted.utf8), to: fragment)
      }
      say("building \(source) for User Mode Linux (some minutes the first time; log: \(step.log))")
      try step.run(make + ["linux"], package: "make gcc")
      return try UMLKernel(builtIn: output)
    }
  }

  /// The kernel that was built of a source.
  ///
  /// - Throws: ``UserError`` of kind unavailable if there is none.
  public init(of source: KernelSource, in folder: KernelFolder) throws(UserError) {
    let output = folder.folder(of: source) + "/build"
    guard FileAccess.exists(output + "/linux") else {
      throw UserError(
        .unavailable, "\(source) isn't built; expected `hintbench kernel build --source ...` before")
    }
    try self.init(builtIn: output)
  }

  private init(builtIn output: String) throws(UserError) {
    program = output + "/linux"
    let release = try FileAccess.read(output + "/include/config/kernel.release")
    version = String(decoding: release, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func requireOptions(in path: String, _ source: KernelSource) throws {
    let lines = Set(String(decoding: try FileAccess.read(path), as: UTF8.self).split(separator: "\n"))
    let missing = ["64BIT", "COMPACTION", "MEMCG", "MEMORY_ISOLATION", "CC_OPTIMIZE_FOR_PERFORMANCE"].filter {
      !lines.contains("CONFIG_\($0)=y")
    }
    guard missing.isEmpty else {
      throw UserError(
        .fault, "\(source): its configuration can't have \(missing.joined(separator: ", ")); see \(path)")
    }
  }

  /// A tree of links to the source, of which only mm/ has files of its own: the source isn't written to, may be
  /// read-only, and may hold the results of another build.
  private static func makeShadow(of tree: String, probe: String, at shadow: String) throws {
    let files = FileManager.default
    if FileAccess.exists(shadow) { try files.removeItem(atPath: shadow) }
    // Where a build within the tree leaves what make takes for a tree that isn't clean.
    let leftovers: Set<String> = [".config", "include/config", "include/generated"]
    func link(_ folder: String, skipping: Set<String> = []) throws {
      _ = try FileAccess.makeFolders("\(shadow)/\(folder)")
      for name in try files.contentsOfDirectory(atPath: "\(tree)/\(folder)") {
        let path = folder.isEmpty ? name : "\(folder)/\(name)"
        if leftovers.contains(path) || skipping.contains(path) { continue }
        try files.createSymbolicLink(atPath: "\(shadow)/\(path)", withDestinationPath: "\(tree)/\(path)")
      }
    }
    try link("", skipping: [".git", "mm", "include"])
    try link("include")
    try link("mm", skipping: ["mm/Makefile", "mm/Kconfig"])
    let added = [
      "Makefile": "obj-y += hintprobe/",
      // Isolation has no option of its own; what has, User Mode Linux can't have, or brings another migratetype (CMA).
      "Kconfig": "config HINTPROBE\n\tdef_bool y\n\tselect MEMORY_ISOLATION",
    ]
    for (name, text) in added {
      let bytes = try FileAccess.read("\(tree)/mm/\(name)") + Array("\n\(text)\n".utf8)
      try FileAccess.writeAtomically(bytes, to: "\(shadow)/mm/\(name)")
    }
    try files.createSymbolicLink(atPath: "\(shadow)/mm/hintprobe", withDestinationPath: probe)
  }
}

extension KernelSource {
  /// The path of the source tree, fetched and unpacked if need be.
  func unpacked(in place: String, _ step: Step, say: (String) -> Void) throws -> String {
    switch self {
    case .tree(let path): return path
    case .debian(let version): return try Self.unpackedPackage(version, in: place, step, say: say)
    }
  }

  private static func unpackedPackage(
    _ version: String, in place: String, _ step: Step, say: (String) -> Void
  ) throws -> String {
    let tree = "\(place)/linux-source-\(version)"
    if FileAccess.exists(tree + "/Kbuild") { return tree }
    let fetched = place + "/fetched"
    defer { try? FileAccess.removeFolder(fetched) }
    say("fetching Debian's linux-source-\(version)")
    try DebianPackages(root: fetched, step: step).unpack(["linux-source-\(version)"])
    say("unpacking it")
    try step.run(
      ["tar", "--extract", "--file", "usr/src/linux-source-\(version).tar.xz"], in: fetched, package: "tar xz-utils")
    try FileAccess.move("\(fetched)/linux-source-\(version)", to: tree, as: "can't move")
    return tree
  }
}
