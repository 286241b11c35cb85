import Foundation
import Glibc
import Machine

/// A real Linux in QEMU, with NUMA nodes: boots a kernel, runs commands there and gives back what they left.
///
/// The guest lives in memory only: a kernel, busybox and some programs in an initramfs, two serial ports that lead out
/// (its console, and the report of what the commands did), and nothing else. x86-64 only.
public struct LinuxGuest: Sendable {
  /// The kernel's file (bzImage), as a distribution has it: no module is needed.
  public var kernel: String
  /// A statically linked busybox, whose shell runs the commands.
  public var busybox: String
  /// More programs, which must be statically linked: the name in the guest's `/bin`, and the file here.
  public var programs: [String: String]
  /// More files: the name in the guest's `/guest`, and the file here.
  public var files: [String: String] = [:]
  /// 1 or more. Each has CPUs and memory of its own.
  public var nodes: Int
  /// More of the kernel's command line.
  public var parameters = ""
  /// 1 or more. CPUs are numbered node by node.
  public var cpusPerNode: Int
  /// Bytes, a multiple of 1 MiB. The guest's files take from it too.
  public var memoryPerNode: UInt64
  /// The size of an empty disk, /dev/nvme0n1, which takes no room here: what is zero isn't stored. Bytes; 0: none.
  public var disk: UInt64 = 0
  /// QEMU, by path or by a name that is looked up in PATH.
  public var qemu = "qemu-system-x86_64"
  /// What runs its instructions.
  public var accelerator = Accelerator.best()

  public init(
    kernel: String, busybox: String, programs: [String: String] = [:], nodes: Int, cpusPerNode: Int = 1,
    memoryPerNode: UInt64 = 512 << 20
  ) {
    precondition(nodes > 0 && cpusPerNode > 0 && memoryPerNode > 0 && memoryPerNode.isMultiple(of: 1 << 20))
    self.kernel = kernel
    self.busybox = busybox
    self.programs = programs
    self.nodes = nodes
    self.cpusPerNode = cpusPerNode
    self.memoryPerNode = memoryPerNode
  }

  /// Boots, runs `commands` one after another, each a script for sh(1) as root, and powers off.
  ///
  /// A command that fails stops nothing: its status is in the result. Waits on the calling thread; QEMU is gone when it
  /// returns, and also where this program is killed meanwhile.
  /// - Parameters:
  ///   - paths: files to bring back, and folders, of which every file comes. What isn't there doesn't come.
  ///   - limit: how long all of it may take.
  public func run(
    _ commands: [String], returning paths: [String] = [], within limit: Duration = .seconds(120)
  ) throws(LinuxGuestError) -> GuestRun {
    let program = try ProgramSearch.find(qemu, package: "qemu-system-x86")
    let named = programs.merging(files) { program, _ in program }.sorted { $0.key < $1.key }
    for (what, path) in [("kernel", kernel), ("busybox", busybox)] + named {
      guard access(path, R_OK) == 0 else { throw .missingFile(what: what, path: path) }
    }
    let folder = try TemporaryFolder()
    try Initramfs(
      texts: GuestScript(commands: commands, paths: paths).files,
      programs: programs.merging(["busybox": busybox]) { _, busybox in busybox }, files: files
    ).write(in: folder)
    return try boot(program, commands, folder, limit)
  }

  private func boot(
    _ program: String, _ commands: [String], _ folder: borrowing TemporaryFolder, _ limit: Duration
  ) throws(LinuxGuestError) -> GuestRun {
    if disk > 0 { try folder.makeSparse("disk", bytes: disk) }
    let start = ContinuousClock.now
    let messages = try folder.create("qemu")
    defer { try? messages.close() }
    // The kernel ends QEMU where this thread ends without having done it: where this program is killed.
    let leash = [try ProgramSearch.find("setpriv", package: "util-linux"), "--pdeathsig", "KILL", "--"]
    // Where it is still running at the end, it goes with this scope.
    var child: ChildProcess
    do {
      child = try ChildProcess(
        leash + [program] + machine(in: folder), output: messages.rawValue, error: messages.rawValue)
    } catch {
      throw .cannotStart(program: program, error)
    }
    let end = try Self.end(of: &child, until: start + limit)

    let console = ConsoleLog(folder.contents("console"))
    let report = try GuestReport(folder.contents("report"))
    guard let end else { throw .timedOut(limit, during: report.phase(of: commands), console: console.tail) }
    if report.isComplete, report.results.count == commands.count, end == .exited(0) {
      return GuestRun(
        results: zip(commands, report.results).map { CommandResult(command: $0, $1) }, files: report.files,
        console: console.text, duration: ContinuousClock.now - start)
    }
    if let line = console.panic { throw .panicked(line, during: report.phase(of: commands)) }
    if end != .exited(0) { throw .qemuFailed(end, message: ConsoleLog(folder.contents("qemu")).tail) }
    throw .endedEarly(during: report.phase(of: commands), console: console.tail)
  }

  private static func end(
    of child: inout ChildProcess, until deadline: ContinuousClock.Instant
  ) throws(LinuxGuestError) -> ProcessEnd? {
    do { return try child.waitUnlessInterrupted(until: deadline) } catch { throw .interrupted }
  }

  /// QEMU's words for this machine.
  private func machine(in folder: borrowing TemporaryFolder) -> [String] {
    var words = [
      "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "pc",
      // All that it can do: older models lack instructions that programs are built with.
      "-cpu", "max",
      // A socket a node: CPUs that share a cache must not lie on different nodes.
      "-smp", "\(nodes * cpusPerNode),sockets=\(nodes),cores=\(cpusPerNode),threads=1",
      "-m", "\(UInt64(nodes) * memoryPerNode >> 20)M",
    ]
    words += accelerator.arguments
    for node in 0..<nodes {
      let cpu = node * cpusPerNode
      words += ["-object", "memory-backend-ram,id=memory\(node),size=\(memoryPerNode)"]
      words += ["-numa", "node,nodeid=\(node),cpus=\(cpu)-\(cpu + cpusPerNode - 1),memdev=memory\(node)"]
    }
    if disk > 0 {
      words += [
        "-drive",
        "file=\(escaped(folder / "disk")),format=raw,if=none,id=disk,cache=unsafe,discard=unmap,detect-zeroes=unmap",
      ]
      words += ["-device", "nvme,serial=hintbench,drive=disk"]
    }
    words += ["-kernel", kernel, "-initrd", folder / "initramfs"]
    // A panic reboots at once, which ends QEMU. The time-stamp counters of emulated CPUs are one, but fail Linux's test
    // of that where the threads that run them are late.
    words += ["-append", "console=ttyS0 panic=-1 tsc=reliable \(parameters)"]
    for port in ["console", "report"] {
      words += ["-chardev", "file,id=\(port),path=\(escaped(folder / port))", "-serial", "chardev:\(port)"]
    }
    return words
  }

  /// A comma in an option's value is written twice.
  private func escaped(_ path: String) -> String { path.replacingOccurrences(of: ",", with: ",,") }
}
