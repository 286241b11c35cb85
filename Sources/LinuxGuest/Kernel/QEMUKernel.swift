import Foundation
import Machine
import Records

/// A whole kernel in QEMU, with the probe as a module: several nodes and CPUs, real spinlocks, a user space.
public struct QEMUKernel: RealKernel {
  public let version: String
  /// The kernel's file (bzImage).
  let image: String
  public let module: String
  let busybox: String
  /// 1 or more. Each has memory and CPUs of its own.
  public var nodes = 1
  public var cpusPerNode = 1
  public var accelerator: Accelerator
  /// More of the kernel's command line, as `init_on_alloc=0`.
  public var parameters = ""

  public var source: KernelRunSource { KernelRunSource(accelerator) }
  public var boots: Bool { true }

  /// Where the kernel comes from.
  public enum Source: Hashable, Sendable {
    /// Debian's kernel for virtual machines, of a version such as 6.1.
    case debian(version: String)
    /// A kernel's file, and what modules for it are built against.
    case own(kernel: String, headers: String)
  }

  /// Fetches a kernel and builds the probe for it, or what changed since.
  ///
  /// - Throws: ``UserError``; ``Interrupted``.
  public static func build(
    _ source: Source, in folder: KernelFolder, say: (String) -> Void = { _ in }
  ) throws -> QEMUKernel {
    let place = "\(folder.path)/\(source.folderName)"
    return try KernelFolder.building(in: place) { step in
      let files = try source.fetched(in: place, step, say: say)
      say("building the probe's module (log: \(step.log))")
      _ = try ProbeModule.build(headers: files.headers, in: place, step)
      if busybox(in: folder) == nil {
        say("fetching Debian's busybox-static")
        try DebianPackages(root: folder.path + "/busybox", step: step).unpack(["busybox-static"])
      }
      return try QEMUKernel(of: source, in: folder)
    }
  }

  /// The kernel that was fetched, with the probe as it was built.
  ///
  /// - Throws: ``UserError`` of kind unavailable if something is missing.
  public init(of source: Source, in folder: KernelFolder) throws {
    let place = "\(folder.path)/\(source.folderName)"
    let files = try source.files(in: place)
    module = place + "/module/hintprobe.ko"
    guard let busybox = Self.busybox(in: folder), FileAccess.exists(module) else {
      throw UserError(
        .unavailable, "the probe isn't built in \(place); expected `hintbench kernel build --qemu` before")
    }
    self.busybox = busybox
    image = files.image
    version = try ProbeModule.release(of: files.headers)
    accelerator = .emulation
  }

  /// Debian's statically linked busybox, if it was fetched.
  private static func busybox(in folder: KernelFolder) -> String? {
    ["/bin/busybox", "/usr/bin/busybox"].map { folder.path + "/busybox" + $0 }.first(where: FileAccess.exists)
  }

  /// Chooses what runs the guest: what was asked for, or KVM if a guest gets as far as user space under it, or else
  /// emulation, counting instructions if there is one CPU.
  ///
  /// On some machines /dev/kvm opens and guests hang.
  ///
  /// - Throws: ``Interrupted``.
  public mutating func choose(_ wanted: Accelerator?, say: (String) -> Void) throws {
    if let wanted {
      accelerator = wanted
      return
    }
    accelerator = nodes == 1 && cpusPerNode == 1 ? .icount : .emulation
    guard Accelerator.best() == .kvm else { return }
    var trial = guest(bytes: 256 << 20)
    trial.nodes = 1
    trial.cpusPerNode = 1
    trial.memoryPerNode = 256 << 20
    trial.accelerator = .kvm
    do throws(LinuxGuestError) {
      _ = try trial.run(["true"], within: .seconds(20))
      accelerator = .kvm
    } catch {
      if error == .interrupted { throw Interrupted() }
      say("KVM doesn't run guests here (\(error)); emulating")
    }
  }

  private func guest(bytes: UInt64) -> LinuxGuest {
    var guest = LinuxGuest(
      kernel: image, busybox: busybox, nodes: nodes, cpusPerNode: cpusPerNode,
      memoryPerNode: ((bytes / UInt64(nodes)) >> 20) << 20)
    guest.files = ["hintprobe.ko": module]
    guest.accelerator = accelerator
    // With a random place for the kernel free memory begins elsewhere in each boot.
    guest.parameters = "nokaslr " + parameters
    return guest
  }

  public func run(_ commands: [String], preparing: String, bytes: UInt64) throws -> KernelRun {
    // In one script: what a shell does between two of them moves pages.
    try run(
      ProbeScript(preparing: preparing, commands: commands), bytes: bytes, disk: 0)
  }

  func run(_ script: ProbeScript, bytes: UInt64, disk: UInt64) throws -> KernelRun {
    var guest = guest(bytes: bytes)
    guest.disk = disk
    let run: GuestRun
    do throws(LinuxGuestError) {
      run = try guest.run([script.text] + ProbeScript.outputs.map { "cat \($0)" }, within: .seconds(1200))
    } catch {
      if error == .interrupted { throw Interrupted() }
      throw error
    }
    guard run.results[0].status == 0 || !run.results[1].text.isEmpty else {
      let said = String(decoding: run.results[0].standardError, as: UTF8.self).split(separator: "\n").last ?? ""
      let kernel = run.console.split(separator: "\n").last { $0.contains("hintprobe") } ?? ""
      throw UserError(.fault, "the probe's module doesn't load in \(version): \(said) \(kernel)")
    }
    var result = try script.run(of: run.results.dropFirst().map(\.text), version: version)
    result.pageInit = Self.pageInit(run.console)
    result.console = run.console
    return result
  }

  /// What the kernel says at boot: `mem auto-init: stack:off, heap alloc:on, heap free:off`.
  private static func pageInit(_ console: String) -> String {
    guard let line = console.split(separator: "\n").first(where: { $0.contains("mem auto-init:") }) else { return "" }
    if line.contains("heap free:on") { return "free" }
    return line.contains("heap alloc:on") ? "alloc" : "none"
  }
}

/// What runs the module's commands in a user space, and what it leaves.
struct ProbeScript {
  let preparing: String
  let commands: [String]
  /// What the guest does before.
  var work = ":"
  /// Where it leaves what it read.
  private static let folder = "/tmp"
  private var folder: String { Self.folder }
  /// buddyinfo last: what it shows must not move before the commands.
  static let proc = ["zoneinfo", "pagetypeinfo", "buddyinfo"]
  /// Seconds from loading the module to the first command.
  private static let settling = 3
  static let debugfs = "/sys/kernel/debug"
  static let probe = debugfs + "/hintprobe"

  /// The files that it leaves.
  static let outputs = (["result"] + proc).map { "\(folder)/\($0)" }

  /// For sh(1). Its status is 0 if all commands were run. The module is unloaded whatever happens.
  var text: String {
    let copies = Self.proc.map { "cat /proc/\($0) >\(folder)/\($0)" }.joined(separator: "\n")
    func file(_ name: String, _ lines: [String]) -> String {
      "cat >\(folder)/\(name) <<'END'\n\(lines.joined(separator: "\n"))\nEND"
    }
    // The module executes what one write() brings.
    func execute(_ name: String) -> String { "dd if=\(folder)/\(name) of=\(Self.probe)/commands bs=64k 2>/dev/null" }
    return """
      mount -t debugfs debugfs \(Self.debugfs) || exit 1
      \(work)
      insmod /guest/hintprobe.ko || exit 1
      trap 'rmmod hintprobe' EXIT
      # What the boot left to do would share the CPU with the sessions: 6.12 has some seconds of it.
      sleep \(Self.settling)
      \(file("preparing", [preparing]))
      \(file("commands", commands))
      \(execute("preparing"))
      \(copies)
      \(execute("commands"))
      status=$?
      cat \(Self.probe)/result >\(folder)/result
      exit $status
      """
  }

  /// Parses the texts of ``outputs``.
  func run(of texts: [String], version: String) throws -> KernelRun {
    let report = try ProbeReport.whole(texts[0], of: version)
    return KernelRun(
      report: report, before: Dictionary(uniqueKeysWithValues: zip(Self.proc, texts.dropFirst())))
  }
}

extension QEMUKernel.Source {
  /// The name of its folder among the built kernels.
  var folderName: String {
    switch self {
    case .debian(let version): "qemu-debian-\(version)"
    case .own(_, let headers): "qemu-own-\(KernelFolder.hashed(headers))"
    }
  }

  /// The kernel's file and its headers.
  ///
  /// - Throws: ``UserError``: of kind usage if one's own aren't there, of kind unavailable if Debian's weren't fetched.
  func files(in place: String) throws -> (image: String, headers: String) {
    switch self {
    case .own(let kernel, let headers):
      guard FileAccess.exists(kernel), !FileAccess.isFolder(kernel) else {
        throw UserError.usage("invalid kernel '\(kernel)': no such file; expected a bzImage")
      }
      return (kernel, URL(fileURLWithPath: headers).standardizedFileURL.path)
    case .debian(let version):
      guard let bytes = try? FileAccess.read(place + "/release") else {
        throw UserError(.unavailable, "Debian's \(version) isn't here; expected `hintbench kernel build --qemu` before")
      }
      let release = String(decoding: bytes, as: UTF8.self)
      return ("\(place)/root/boot/vmlinuz-\(release)", "\(place)/root/usr/src/linux-headers-\(release)")
    }
  }

  /// The same, fetched if need be.
  func fetched(in place: String, _ step: Step, say: (String) -> Void) throws -> (image: String, headers: String) {
    if case .debian(let version) = self {
      let (root, known) = (place + "/root", place + "/release")
      if !FileAccess.exists(root) || !FileAccess.exists(known) {
        let release = try DebianPackages.newestRelease(of: version)
        let packages = try DebianPackages.packages(ofRelease: release)
        say("fetching \(packages.joined(separator: ", "))")
        try DebianPackages(root: root, step: step).unpack(packages)
        try FileAccess.writeAtomically(Array(release.utf8), to: known)
      }
      // The headers include what is common to all flavours by the place where it would be installed.
      let makefile = try files(in: place).headers + "/Makefile"
      let text = String(decoding: try FileAccess.read(makefile), as: UTF8.self)
      let moved = text.replacingOccurrences(of: " /usr/src/", with: " \(root)/usr/src/")
      if moved != text { try FileAccess.writeAtomically(Array(moved.utf8), to: makefile) }
    }
    return try files(in: place)
  }
}
