import ArgumentParser
import Bench
import Experiments
import Foundation
import GuestMemory
import Records
import Reporting

struct AdviseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "advise",
    abstract: "Say which setting of reporting a load wants, or how much each design would return at once.",
    discussion: """
      With --load, runs steady-state by the virtual clock over order x delay x capacity of the designs that report, and \
      names the setting with which the host has the least memory populated while the guest's users lose at most \
      --max-cost of their busy time by touching again what the host took. With --from, judges a run that is there. \
      `>` marks the advised setting, `*` the others that no setting beats in both.

      With a capture (--capture, --buddyinfo, --show-mem, ...), prints how much of a machine's free memory one session \
      of each design returns, by the lowest order it looks at.

      Exit status: 0 done, 3 no setting is cheap enough for some load, or not all was measured.
      """)

  @Option(
    help: ArgumentHelp(
      "Loads to advise on: a load of steady-state, with options of that experiment.",
      valueName: "load[:option=value]...,..."))
  var load: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The share of their busy time that users may lose, as 2% (default: 2%).", valueName: "share"))
  var maxCost: String?
  @Option(help: ArgumentHelp("Judge the run in this folder instead of making one.", valueName: "dir")) var from: String?
  @Option(help: ArgumentHelp("Size of the modelled guest (default: 4G).", valueName: "size")) var guest: String?
  @Option(help: ArgumentHelp("Kernel whose rules it follows (default: 6.12).", valueName: "version")) var kernel:
    String?
  @Option(
    help: ArgumentHelp(
      "Settings to compare (default: page-reporting over order, delay and capacity, and the designs before it).",
      valueName: "name[:option=value[/value]]...,..."))
  var strategy: String?
  @Option(help: ArgumentHelp("Output folder of the run (default: a new one under Reports/runs).", valueName: "dir"))
  var out: String?
  @OptionGroup(title: "A captured machine, in place of a load") var capture: CaptureOptions

  func run() throws {
    try Failure.reporting {
      switch (load, from, capture.files.name) {
      case (let load?, nil, nil): try advise(load)
      case (nil, let from?, nil):
        try requireNone([("--guest", guest), ("--kernel", kernel), ("--strategy", strategy), ("--out", out)], "--from")
        try requireNoCapture("--from")
        let advice = try ReportingAdvice(try RunReader(path: from), mostCost: try Self.share(maxCost ?? "2%"))
        print(advice.text)
        try requireMet(advice)
      case (nil, nil, _?): try table(capture.files)
      case (nil, nil, nil):
        try capture.files.check()
        fallthrough
      default:
        throw UserError.usage(
          "invalid arguments: expected one of --load, --from, --capture, --buddyinfo and --show-mem")
      }
    }
  }

  private func requireNone(_ flags: [(name: String, value: String?)], _ mode: String) throws {
    if let flag = flags.first(where: { $0.value != nil }) {
      throw UserError.usage("\(flag.name) can't be combined with \(mode)")
    }
  }

  private func requireNoCapture(_ mode: String) throws {
    if let flag = capture.flags.first { throw UserError.usage("\(flag) can't be combined with \(mode)") }
  }

  private func advise(_ load: String) throws {
    try requireNoCapture("--load")
    let mostCost = try Self.share(maxCost ?? "2%")
    let config = try ReportingGrid.config(
      loads: Self.list(load), guest: guest ?? "4G", kernels: kernel.map { [$0] } ?? [],
      strategies: strategy.map(Self.list))
    let folder = try RunJob.start(try Matrix(config, host: .current), out: out, shows: false)
    let advice = try ReportingAdvice(try RunReader(path: folder), mostCost: mostCost)
    print(advice.text + "\n\nFiles: \(folder)")
    try requireMet(advice)
  }

  private func requireMet(_ advice: ReportingAdvice) throws {
    guard !advice.isMet else { return }
    RunJob.say("no setting is cheap enough for \(advice.unmet) of \(advice.count) loads")
    throw ExitCode(3)
  }

  private func table(_ files: CaptureFiles) throws {
    try requireNone(
      [("--guest", guest), ("--strategy", strategy), ("--max-cost", maxCost), ("--out", out)], files.flags[0])
    try DebugBuild.refuse()
    let returned = try ReturnedAtOnce(
      files, pageSize: capture.pageSize, kernels: kernel.map { [$0] } ?? [], host: .current)
    for note in returned.notes { RunJob.say("capture: \(note)") }
    print(
      ReturnedTable(
        orders: returned.orders, free: returned.free, freeFromOrder: returned.freeFromOrder,
        rows: returned.rows.map { ($0.strategy, $0.bytes) }
      ).text)
    guard !returned.reasons.isEmpty else { return }
    for reason in returned.reasons { RunJob.say("\(reason)") }
    throw ExitCode(3)
  }

  private static func list(_ text: String) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }

  /// A share of 0 to 1, from `2%` or `0.02`.
  private static func share(_ text: String) throws -> Double {
    let isPercent = text.hasSuffix("%")
    guard let number = Double(isPercent ? String(text.dropLast()) : text), number.isFinite,
      case let share = isPercent ? number / 100 : number, (0...1).contains(share)
    else { throw UserError.usage("invalid --max-cost '\(text)': expected 0% to 100%, or 0 to 1") }
    return share
  }
}
