import ArgumentParser
import Bench
import Foundation
import Glibc
import GuestMemory
import Instruments
import LinuxGuest
import Machine
import Records
import Reporting

struct KernelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernel",
    abstract: "Build a real kernel with the probe in it, and measure the strategies in its own mm.",
    discussion: """
      The kernel runs as a program (User Mode Linux): natively, without root and KVM, with one CPU, without NUMA, and \
      with spinlocks that are empty; or in QEMU, whole; or it is this machine's own. Its mm/page_alloc.c and its free \
      lists are the real ones.
      """,
    subcommands: [
      KernelBuildCommand.self, KernelRunCommand.self, KernelCheckCommand.self, KernelListsCommand.self,
    ])
}

/// Which kernel.
struct KernelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The kernel: 6.1 or 6.12, of Debian's linux-source packages, or the folder of a kernel's source, which is only read.",
      valueName: "source"))
  var source = "6.1"
  @Option(
    help: ArgumentHelp(
      "Where kernels are unpacked and built, and stay (default: hintbench in $XDG_CACHE_HOME or ~/.cache).",
      valueName: "folder"))
  var work: String?

  var parsed: KernelSource { get throws { try KernelSource(source) } }
  var folder: KernelFolder { KernelFolder(work) }
}

/// A whole kernel in QEMU instead.
struct QEMUOptions: ParsableArguments {
  @Flag(help: "A whole kernel in QEMU with the probe as a module: Debian's 6.1 or 6.12, or --kernel.")
  var qemu = false
  @Option(help: ArgumentHelp("The file of a kernel for QEMU; needs --headers.", valueName: "bzimage"))
  var kernel: String?
  @Option(
    help: ArgumentHelp(
      "What modules for --kernel are built against, or for --host: a built kernel's folder, or of linux-headers.",
      valueName: "folder"))
  var headers: String?

  /// Where the kernel comes from; nil without --qemu and --kernel.
  func source(_ options: KernelOptions, isHost: Bool = false) throws -> QEMUKernel.Source? {
    switch (kernel, headers) {
    case (let kernel?, let headers?): return .own(kernel: kernel, headers: headers)
    case (_?, nil): throw UserError.usage("--kernel needs --headers, what modules for it are built against")
    case (nil, _?) where qemu || !isHost: throw UserError.usage("--headers needs --kernel or --host")
    case (nil, _) where qemu:
      guard case .debian(let version) = try options.parsed else {
        throw UserError.usage("--qemu takes --source 6.1 or 6.12; expected --kernel and --headers of your own build")
      }
      return .debian(version: version)
    default: return nil
    }
  }
}

struct KernelBuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Build a kernel for User Mode Linux with the probe in it, or for QEMU the probe alone.")

  @OptionGroup var options: KernelOptions
  @OptionGroup var qemu: QEMUOptions

  func run() throws {
    try Failure.reporting {
      let source = try options.parsed
      let whole = try qemu.source(options)
      Interrupt.watch()
      try Interrupted.exiting {
        if let whole {
          let kernel = try QEMUKernel.build(whole, in: options.folder, say: RunJob.say)
          print("Linux \(kernel.version): \(kernel.module)")
        } else {
          let kernel = try UMLKernel.build(source, in: options.folder, say: RunJob.say)
          print("Linux \(kernel.version): \(kernel.program)")
        }
      }
    }
  }
}

struct KernelRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Measure the strategies in a real kernel's own mm; the result is a run folder with the columns of scan.",
    discussion: """
      Each repetition boots the kernel once per size (--host: loads the probe). Every strategy has a pass without the probe, which gives its speed, \
      and one with it, which gives its holds; those that change the lists come last.

      Without --qemu, --kernel and --host the kernel is User Mode Linux, as `kernel build` made it. In QEMU one CPU's \
      instructions are counted (icount), the same in every boot; of several CPUs without KVM there are counts of blocks and \
      holds, and no times. --host loads the probe into this machine's own kernel, after asking.
      """)

  @OptionGroup var options: KernelOptions
  @OptionGroup var qemu: QEMUOptions
  @Flag(help: "Load the probe into this machine's kernel, as root; strategies that take memory only if named.")
  var host = false
  @Option(help: ArgumentHelp("With --host: the probe, built elsewhere (hintprobe.ko).", valueName: "file"))
  var module: String?
  @Flag(help: "With --host: don't ask.") var yes = false
  @Option(
    help: ArgumentHelp("Sizes, comma-separated: 64M and more (default: 8G, in QEMU 4G).", valueName: "sizes"))
  var guest: String?
  @Option(help: "NUMA nodes of the guest in QEMU.") var nodes: Int?
  @Option(help: "CPUs of the guest in QEMU, a multiple of the nodes (default: one a node).") var cpus: Int?
  @Option(
    help: ArgumentHelp(
      "What runs the guest in QEMU: kvm, icount or emulation (default: kvm if a guest starts, else icount with one CPU).",
      valueName: "kind"))
  var accelerator: String?
  @Option(
    help: ArgumentHelp(
      "More of the kernel's command line in QEMU, such as init_on_alloc=0, which Debian's kernels have at 1.",
      valueName: "parameters"))
  var append: String?
  @Option(
    help: ArgumentHelp(
      "Strategies, comma-separated, NAME or NAME:OPTION=NUMBER (default: all that the probe has).",
      valueName: "strategies"))
  var strategy: String?
  @Option(
    help: ArgumentHelp(
      "What the lists have gone through: fresh, or, with User Mode Linux, churned: a seeded million of operations, half of memory in use.",
      valueName: "state")) var state = "fresh"
  @Option(help: ArgumentHelp("The lowest order that is looked at (default: the highest).", valueName: "order"))
  var order: Int?
  @Option(help: "Repetitions, which are boots of each size (default: 5, in QEMU 2).") var repetitions: Int?
  @Option(help: ArgumentHelp("Caches before each pass: cold or warm.", valueName: "state")) var cache = "cold"
  @Option(help: "Seed of the order of the strategies.") var seed: UInt64 = 1
  @Option(
    help: ArgumentHelp(
      "The longest hold, 1us to 1s; one that would be longer ends, and the run with it (default: 1s, with --host 10ms).",
      valueName: "time"))
  var longestHold: String?
  @Option(help: ArgumentHelp("The run's folder (default: a new one under Reports/runs).", valueName: "folder"))
  var out: String?

  func run() throws {
    try Failure.reporting {
      try DebugBuild.refuse()
      let source = try qemu.source(options, isHost: host)
      try refuseStrayOptions(source)
      let scan = try self.scan(isWhole: source != nil)
      Interrupt.watch()
      try Interrupted.exiting { try KernelJob.run(scan, try kernel(source), out: out) }
    }
  }

  private func refuseStrayOptions(_ source: QEMUKernel.Source?) throws {
    func refuse(_ given: [(String, Bool)], unless isTaken: Bool, _ why: String) throws {
      if let stray = given.first(where: \.1), !isTaken { throw UserError.usage("\(stray.0) \(why)") }
    }
    if host, source != nil { throw UserError.usage("--host can't be combined with --qemu or --kernel") }
    try refuse(
      [
        ("--nodes", nodes != nil), ("--cpus", cpus != nil), ("--accelerator", accelerator != nil),
        ("--append", append != nil),
      ],
      unless: source != nil, "needs --qemu or --kernel")
    guard ["fresh", "churned"].contains(state) else {
      throw UserError.usage("invalid state '\(state)': expected fresh or churned")
    }
    try refuse(
      [("--state churned", state == "churned")], unless: source == nil && !host,
      "needs User Mode Linux (--source alone)")
    try refuse([("--module", module != nil), ("--yes", yes)], unless: host, "needs --host")
    try refuse(
      [("--guest", guest != nil)], unless: !host, "can't be combined with --host: the memory is this machine's")
  }

  private func kernel(_ source: QEMUKernel.Source?) throws -> any RealKernel {
    if host {
      let kernel = try HostKernel(headers: qemu.headers, module: module, in: options.folder, say: RunJob.say)
      if !yes, !confirmed("Load the probe into the running Linux \(kernel.version)?") {
        throw UserError.usage("nothing was loaded; expected yes, or --yes if there is no terminal to ask at")
      }
      return kernel
    }
    guard let source else { return try UMLKernel(of: options.parsed, in: options.folder) }
    let nodes = self.nodes ?? 1
    let cpus = self.cpus ?? nodes
    guard (1...16).contains(nodes), (1...64).contains(cpus), cpus.isMultiple(of: nodes) else {
      throw UserError.usage(
        "invalid --nodes \(nodes) or --cpus \(cpus): expected 1 to 16 nodes, and a multiple of CPUs up to 64")
    }
    let wanted = try accelerator.map { text in
      guard let known = Accelerator(rawValue: text) else {
        throw UserError.usage("invalid accelerator '\(text)': expected kvm, icount or emulation")
      }
      return known
    }
    if wanted == .icount, cpus > 1 {
      throw UserError.usage("--accelerator icount needs one CPU: its clock counts the instructions of all together")
    }
    var kernel = try QEMUKernel.build(source, in: options.folder, say: RunJob.say)
    kernel.nodes = nodes
    kernel.cpusPerNode = cpus / nodes
    kernel.parameters = append ?? ""
    try kernel.choose(wanted, say: RunJob.say)
    return kernel
  }

  private func confirmed(_ question: String) -> Bool {
    guard isatty(STDIN_FILENO) == 1 else { return false }
    FileHandle.standardError.write(
      Data(
        "\(question) It takes 76 MiB and more, and holds of zone->lock last up to \(longestHold ?? "10ms"). [y/N] ".utf8
      ))
    return ["y", "yes"].contains(readLine()?.lowercased())
  }

  private func scan(isWhole: Bool) throws -> KernelScan {
    guard ["cold", "warm"].contains(cache) else {
      throw UserError.usage("invalid cache state '\(cache)': expected cold or warm")
    }
    let repetitions = self.repetitions ?? (isWhole ? 2 : 5)
    guard (1...1000).contains(repetitions) else {
      throw UserError.usage("invalid number of repetitions \(repetitions): expected 1 to 1000")
    }
    let sizes =
      host
      ? [(ProcessInfo.processInfo.physicalMemory >> 20) << 20]
      : try (guest ?? (isWhole ? "4G" : "8G")).split(separator: ",").map { try ByteSize(String($0)).bytes }
    let all = KernelScan.designs.filter { !host || !$0.changesLists }.map(\.name)
    return try KernelScan(
      guests: sizes, strategies: strategy?.split(separator: ",").map(String.init) ?? all,
      order: order, repetitions: repetitions, isCold: cache == "cold", seed: seed,
      longestHold: try TimeSpan(longestHold ?? (host ? "10ms" : "1s")).nanoseconds, isChurned: state == "churned")
  }
}

struct KernelCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Compare the model with a built kernel: the same operations, the same blocks, the same lists.",
    discussion: """
      A trace is a seeded sequence of allocations, frees and drains. Kernel and model start from the kernel's lists; each \
      operation must give the same PFN, and at each checkpoint all lists, counters, pageblocks and per-CPU lists must be \
      equal. Exit status 2 if a trace differs; its first operation is named, and other seeds are tried for a shorter one.
      """)

  @OptionGroup var options: KernelOptions
  @Option(help: "Traces.") var traces = 20
  @Option(help: "Operations of each trace.") var operations = 20_000
  @Option(help: "Operations between two checkpoints; fewer find the operation that parts them, and take longer.")
  var every = 2000
  @Option(help: "Seed of the first trace; the next ones count up.") var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Keep what the kernel printed in a new folder.", valueName: "folder")) var record: String?
  @Option(help: ArgumentHelp("Write what was found to a file, which `hintbench report` takes.", valueName: "file"))
  var json: String?
  @Option(
    help: ArgumentHelp("Check files that --record kept, comma-separated, instead of a kernel.", valueName: "files"))
  var recorded: String?

  func run() throws {
    try Failure.reporting {
      guard (1...100_000).contains(traces), (1...1_000_000).contains(operations), every >= 1 else {
        throw UserError.usage(
          "invalid number of traces, operations or --every: expected 1 to 100000, 1 to 1000000, 1 or more")
      }
      var found = StateAgreement(kernel: "", traces: 0, operationsPerTrace: operations, differences: [])
      var first: UInt64?
      func note(_ result: KernelCheck.Result) {
        found.traces += 1
        found.operationsPerTrace = result.operations
        guard let difference = result.difference else { return }
        let words = "trace \(result.seed) (at most \(result.most) of \(result.managedPages) pages): \(difference)"
        found.differences.append(words)
        first = first ?? result.seed
        print(words)
      }
      if let recorded {
        let all = try recorded.split(separator: ",").map { try KernelCheck.recorded(String($0)) }
        all.flatMap(\.results).forEach(note)
        found.kernel = Set(all.map(\.version)).sorted().joined(separator: ", ")
      } else {
        let kernel = try UMLKernel(of: options.parsed, in: options.folder)
        found.kernel = kernel.version
        Interrupt.watch()
        try Interrupted.exiting {
          try KernelCheck(traces: traces, operations: operations, every: every, seed: seed)
            .run(kernel, record: record, note)
          if let first, let short = try KernelCheck.shortest(kernel, from: first, operations: operations) {
            print("shortest found (hintbench kernel check \(short.arguments)): \(short.difference)")
          }
        }
      }
      let version = KernelVersion(closestTo: found.kernel).rawValue
      let rules = found.kernel.hasPrefix(version + ".") ? "" : "; the model follows the rules of Linux \(version)"
      print(found.text + rules)
      if let json { try FileAccess.writeAtomically(Array(JSONEncoder.standard.encode(found)), to: json) }
      if !found.differences.isEmpty { throw ExitCode(2) }
    }
  }
}
