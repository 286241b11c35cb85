import ArgumentParser
import Bench
import Foundation
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
      with spinlocks that are empty. Its mm/page_alloc.c and its free lists are the real ones.
      """,
    subcommands: [KernelBuildCommand.self, KernelRunCommand.self, KernelCheckCommand.self])
}

/// What all subcommands take.
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

struct KernelBuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Build a kernel for User Mode Linux with the probe in it, or what changed in it since.")

  @OptionGroup var options: KernelOptions

  func run() throws {
    try Failure.reporting {
      let source = try options.parsed
      Interrupt.watch()
      try Interrupted.exiting {
        let kernel = try UMLKernel.build(source, in: options.folder, say: RunJob.say)
        print("Linux \(kernel.version): \(kernel.program)")
      }
    }
  }
}

struct KernelRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Measure the strategies in a built kernel's own mm; the result is a run folder with the columns of scan.",
    discussion: """
      Each repetition boots the kernel once per size. Every strategy has a pass without the probe, which gives its speed, \
      and one with it, which gives its holds; those that change the lists come last.
      """)

  @OptionGroup var options: KernelOptions
  @Option(help: ArgumentHelp("Sizes, comma-separated: 64M and more.", valueName: "sizes")) var guest = "8G"
  @Option(
    help: ArgumentHelp(
      "Strategies, comma-separated, NAME or NAME:OPTION=NUMBER (default: all that the probe has).",
      valueName: "strategies"))
  var strategy: String?
  @Option(help: ArgumentHelp("The lowest order that is looked at (default: the highest).", valueName: "order"))
  var order: Int?
  @Option(help: "Repetitions: boots of each size.") var repetitions = 5
  @Option(help: ArgumentHelp("Caches before each pass: cold or warm.", valueName: "state")) var cache = "cold"
  @Option(help: "Seed of the order of the strategies.") var seed: UInt64 = 1
  @Option(help: ArgumentHelp("A longer hold ends the run, at most 1s.", valueName: "time")) var longestHold = "1s"
  @Option(help: ArgumentHelp("The run's folder (default: a new one under Reports/runs).", valueName: "folder"))
  var out: String?

  func run() throws {
    try Failure.reporting {
      try DebugBuild.refuse()
      let scan = try self.scan()
      let kernel = try UMLKernel(of: options.parsed, in: options.folder)
      Interrupt.watch()
      try Interrupted.exiting { try KernelJob.run(scan, kernel, out: out) }
    }
  }

  private func scan() throws -> KernelScan {
    guard ["cold", "warm"].contains(cache) else {
      throw UserError.usage("invalid cache state '\(cache)': expected cold or warm")
    }
    guard (1...1000).contains(repetitions) else {
      throw UserError.usage("invalid number of repetitions \(repetitions): expected 1 to 1000")
    }
    let sizes = try guest.split(separator: ",").map { try ByteSize(String($0)).bytes }
    return try KernelScan(
      guests: sizes, strategies: strategy?.split(separator: ",").map(String.init) ?? KernelScan.designs.map(\.name),
      order: order, repetitions: repetitions, isCold: cache == "cold", seed: seed,
      longestHold: try TimeSpan(longestHold).nanoseconds)
  }
}

struct KernelCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Compare the model with a built kernel: the same operations, the same blocks, the same lists.",
    discussion: """
      A trace is a seeded sequence of allocations, frees and drains. Kernel and model start from the kernel's lists; each \
      operation must give the same PFN, and at each checkpoint all lists, counters, pageblocks and per-CPU lists must be \
      equal. Exit status 2 if a trace differs; its first operation is named.
      """)

  @OptionGroup var options: KernelOptions
  @Option(help: "Traces.") var traces = 20
  @Option(help: "Operations of each trace.") var operations = 20_000
  @Option(help: "Operations between two checkpoints; fewer find the operation that parts them, and take longer.")
  var every = 2000
  @Option(help: "Seed of the first trace; the next ones count up.") var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Keep what the kernel printed in a new folder.", valueName: "folder")) var record: String?
  @Option(
    help: ArgumentHelp("Check files that --record kept, comma-separated, instead of a kernel.", valueName: "files"))
  var recorded: String?

  func run() throws {
    try Failure.reporting {
      guard (1...100_000).contains(traces), (1...1_000_000).contains(operations), every >= 1 else {
        throw UserError.usage(
          "invalid number of traces, operations or --every: expected 1 to 100000, 1 to 1000000, 1 or more")
      }
      var differing = 0
      var count = 0
      func note(_ result: KernelCheck.Result) {
        count += 1
        guard let difference = result.difference else { return }
        differing += 1
        print("trace \(result.seed) (at most \(result.most) of \(result.managedPages) pages): \(difference)")
      }
      let version: String
      if let recorded {
        let all = try recorded.split(separator: ",").map { try KernelCheck.recorded(String($0)) }
        all.flatMap(\.results).forEach(note)
        version = Set(all.map(\.version)).sorted().joined(separator: ", ")
      } else {
        let kernel = try UMLKernel(of: options.parsed, in: options.folder)
        version = kernel.version
        Interrupt.watch()
        try Interrupted.exiting {
          try KernelCheck(traces: traces, operations: operations, every: every, seed: seed)
            .run(kernel, record: record, note)
        }
      }
      let rules = version.hasPrefix("6.1.") ? "" : "; the model follows the rules of Linux 6.1"
      print("Linux \(version): \(count - differing) of \(count) traces equal\(rules)")
      if differing > 0 { throw ExitCode(2) }
    }
  }
}

/// Runs a scan in a real kernel, from folder to table.
enum KernelJob {
  static func run(_ scan: KernelScan, _ kernel: UMLKernel, out: String?) throws {
    var (meta, branch) = try RunJob.newMeta(config: scan, seed: scan.seed)
    meta.unavailable = [
      .init(what: "waits, bystanders, counters", why: "User Mode Linux has one CPU and spinlocks that are empty"),
      .init(
        what: "holds of alloc-max-order",
        why: "the kernel's allocator takes zone->lock itself, and nothing in it was changed to time that"),
    ]
    let folder = try RunFolder.create(at: out ?? "\(RunJob.runsFolder)/\(meta.runID)", meta: meta)
    RunJob.say("writing to \(folder.path)")
    let total = scan.guests.count * scan.strategies.count * scan.repetitions
    let recorder = RunRecorder(folder, meta: meta, total: total, interrupted: { Interrupt.isRequested })
    let identity = RunJob.identity(meta, branch: branch)
    let cells: [CellRecord]
    do {
      cells = try scan.run(kernel, identity, folder.path, recorder)
    } catch is Interrupted {
      let measured = try RunReader(path: folder.path).runs.count
      RunJob.say("interrupted: \(measured) of \(total) repetitions measured, kept in \(folder.path)")
      throw ExitCode(130)
    }
    meta.finished = Date()
    try folder.finish(cells: cells, meta: meta)
    let contents = try RunReader(path: folder.path)
    print(ResultTable(cells: cells, runs: contents.runs, meta: meta).text)
    print("Files: \(folder.path)")
  }
}

extension Interrupted {
  /// Exits with 130 if Ctrl-C ended `body`.
  static func exiting(_ body: () throws -> Void) throws {
    do { try body() } catch is Interrupted {
      RunJob.say("interrupted")
      throw ExitCode(130)
    }
  }
}
