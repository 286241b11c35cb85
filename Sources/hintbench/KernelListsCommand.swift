import ArgumentParser
import Foundation
import GuestMemory
import LinuxGuest
import Machine
import Records
import Reporting

struct KernelListsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lists",
    abstract:
      "Read the free lists of a real kernel in QEMU after real work, and say how their blocks follow each other.",
    discussion: """
      Each workload has a boot of its own. The folder gets lists.csv, and a capture of each. \
      Workloads: \(KernelWorkload.all.map { "\($0.name) (\($0.meaning))" }.joined(separator: "; ")).
      """)

  @OptionGroup var options: KernelOptions
  @Option(help: ArgumentHelp("Workloads, comma-separated (default: all).", valueName: "workloads")) var after: String?
  @Option(help: ArgumentHelp("Size of the guest.", valueName: "size")) var guest = "2G"
  @Option(help: "CPUs of the guest.") var cpus = 2
  @Option(help: "Seconds between the work and the reading, in which per-CPU lists may drain.") var settling = 5
  @Option(help: ArgumentHelp("The folder of the result, a new one.", valueName: "folder")) var out: String

  func run() throws {
    try Failure.reporting {
      guard case .debian(let version) = try options.parsed else {
        throw UserError.usage("kernel lists takes --source 6.1 or 6.12")
      }
      guard (1...64).contains(cpus), (0...600).contains(settling) else {
        throw UserError.usage("invalid --cpus or --settling: expected 1 to 64, and 0 to 600")
      }
      let bytes = try ByteSize(guest).bytes
      guard bytes >= 512 << 20, bytes.isMultiple(of: 1 << 20) else {
        throw UserError.usage("invalid size \(guest): expected 512M or more, in whole MiB")
      }
      let workloads = try (after?.split(separator: ",").map(String.init) ?? KernelWorkload.all.map(\.name)).map {
        name in
        guard let workload = KernelWorkload.all.first(where: { $0.name == name }) else {
          throw UserError.usage(
            "unknown workload '\(name)': expected one of \(KernelWorkload.all.map(\.name).joined(separator: ", "))")
        }
        return workload
      }
      Interrupt.watch()
      try Interrupted.exiting {
        var kernel = try QEMUKernel.build(.debian(version: version), in: options.folder, say: RunJob.say)
        kernel.cpusPerNode = cpus
        // Zeroing each page takes an emulator minutes, and moves none.
        kernel.parameters = "init_on_alloc=0"
        try kernel.choose(nil, say: RunJob.say)
        // Counting instructions is slower, and what moves is the same.
        if kernel.accelerator == .icount { kernel.accelerator = .emulation }
        try FileAccess.makeFolder(out)
        var all: [KernelLists] = []
        for workload in workloads {
          RunJob.say("\(kernel.version), \(workload.name): \(workload.meaning)")
          let (lists, run) = try kernel.lists(after: workload, bytes: bytes, settling: settling)
          all.append(lists)
          // A capture, which `hintbench run` takes.
          try run.keepCapture(in: "\(out)/\(workload.name)")
          try FileAccess.writeAtomically(Array(KernelLists.csv(all).utf8), to: out + "/lists.csv")
        }
        print(KernelListsTable(all).text)
        print("Files: \(out)")
      }
    }
  }
}

/// What was found, a row for each workload.
struct KernelListsTable {
  private let all: [KernelLists]

  init(_ all: [KernelLists]) { self.all = all }

  var text: String {
    let highest = (all.first?.orders.count ?? 1) - 1
    let shown = [highest, highest - 1, 0]
    let titles =
      ["workload", "free", "on pcp lists"] + shown.map { "free in order \($0)" }
      + shown.flatMap { ["order \($0): up", "down", "run"] }
    let rows = all.map { lists in
      [lists.workload, bytes(lists.freePages), bytes(UInt64(lists.perCPUPages))]
        + shown.map { share(lists.orders[$0].share) }
        + shown.flatMap { order -> [String] in
          let shape = lists.orders[order].shape
          return [
            share(shape.upShare), share(shape.downShare), shape.meanRun.map { Figure.number($0) } ?? Figure.missing,
          ]
        }
    }
    return [
      "Linux \(all.first?.kernel ?? ""), \(Figure.bytes(all.first?.bytes ?? 0)) guest:", "",
      TableText.render(titles: titles, rows: rows, leftAligned: [0]), "",
      "up, down: share of next pointers that lead to the block right above or below. run: mean number of blocks that follow "
        + "each other so. on pcp lists: free pages that no design sees.",
    ].joined(separator: "\n")
  }

  private func bytes(_ pages: UInt64) -> String { Figure.bytes((pages >> 8) << 20) }
  private func share(_ value: Double?) -> String { value.map { String(format: "%.1f %%", 100 * $0) } ?? Figure.missing }
}
