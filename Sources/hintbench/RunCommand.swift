import ArgumentParser
import Bench
import Experiments
import Foundation
import Hinting
import Instruments
import Records
import Reporting

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run the matrix of guests, states and strategies, and keep what was measured.",
    discussion: """
      Without arguments: a scan of every strategy at 8 and 64 GiB and those that only read at 1 TiB, fresh and aged, within a \
      minute on two cores; other experiments have guests of their own (--dry-run shows them). Sizes are written 8G or \
      1.5T, times 100us, lists with commas.
      """)

  // `.unconditional` where a value may be written with a minus: it is then refused as a number, and not as a flag.
  @Argument(
    help: ArgumentHelp(
      "Experiments to run, with their options; see `hintbench list experiments` (default: scan).",
      valueName: "experiment[:option=value[/value]...]"))
  var experiments: [String] = []

  @Option(parsing: .unconditional, help: ArgumentHelp("Memory of the modelled guests.", valueName: "size,..."))
  var guest: String?
  @Option(parsing: .unconditional, help: "Nodes of the modelled guests, 1 to 16.") var nodes: Int?
  @Option(parsing: .unconditional, help: "CPUs of the modelled guests: per-CPU lists and watermarks.") var cpus: Int?
  @Option(
    help: ArgumentHelp("Strategies; see `hintbench list strategies`.", valueName: "name[:option=value[/value]]...,..."))
  var strategy: String?
  @Option(help: ArgumentHelp("Starting states: fresh, aged.", valueName: "state,...")) var state: String?
  @Option(
    parsing: .unconditional, help: ArgumentHelp("Free share of an aged guest (default: 0.5).", valueName: "fraction"))
  var free: Double?
  @Option(help: ArgumentHelp("Take the guest from a capture of /proc/buddyinfo.", valueName: "file"))
  var buddyinfo: String?
  @Option(help: ArgumentHelp("With it, migratetypes from /proc/pagetypeinfo.", valueName: "file"))
  var pagetypeinfo: String?
  @Option(help: ArgumentHelp("With it, spans and watermarks from /proc/zoneinfo.", valueName: "file"))
  var zoneinfo: String?
  @Option(help: ArgumentHelp("Order of the free lists: ascending, churned, shuffled.", valueName: "order"))
  var listOrder: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("One struct page for 2^ORDER pages: 0 (exact) to 9, or auto.", valueName: "order"))
  var granule: String?
  @Option(help: ArgumentHelp("Host pages under the memory map: 4k, 2m, auto.", valueName: "size")) var vmemmap: String?
  @Option(help: ArgumentHelp("zone->lock: queued, test-and-set.", valueName: "kind")) var lock: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Lowest order looked at: 0 to 10, or native (default: the highest).", valueName: "order"))
  var order: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The option `budget` of every strategy that has it.", valueName: "entries,..."))
  var budget: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Share of Normal memory in ZONE_MOVABLE (default: 0).", valueName: "fraction"))
  var movable: Double?
  @Option(parsing: .unconditional, help: "Repetitions of each cell (default: 5).") var repetitions: Int?
  @Option(parsing: .unconditional, help: "Seed of every random choice (default: 1).") var seed: UInt64?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Longest hold that counts as within the limit (default: 100us).", valueName: "time"))
  var holdLimit: String?
  @Option(help: ArgumentHelp("Hardware counters: auto, papi, simulated, off.", valueName: "source")) var counters:
    String?
  @Option(
    help: ArgumentHelp("Events to count beside those with a column, by PAPI's names.", valueName: "name,..."))
  var events: String?
  @Option(
    help: ArgumentHelp(
      "A published migration, run under its conditions: \(MigrationPreset.all.map(\.name).joined(separator: ", ")).",
      valueName: "name"))
  var preset: String?
  @Option(help: ArgumentHelp("A checked-in matrix, as meta.json shows it under config.", valueName: "file"))
  var config: String?
  @Flag(help: "Print cells, estimated time and memory, and run nothing.") var dryRun = false
  @Option(parsing: .unconditional, help: ArgumentHelp("Start no repetition after this long.", valueName: "time"))
  var timeLimit: String?
  @Option(help: ArgumentHelp("Folder for the run's files (default: a new one under Reports/runs).", valueName: "dir"))
  var out: String?
  @Option(help: ArgumentHelp("Go on with a run that was cut short.", valueName: "dir")) var resume: String?
  @Flag(help: "Small guests, three repetitions: seconds.") var quick = false
  @OptionGroup(title: "Comparing with another build") var builds: AgainstOptions
  @OptionGroup(title: "Options of experiments as flags, for one release; write EXPERIMENT:OPTION=VALUE")
  var experimentFlags: ExperimentFlags

  func run() throws {
    try Failure.reporting {
      if let resume {
        guard isBare else {
          throw UserError(
            .usage, "--resume takes what it needs from the run's own meta.json; nothing else goes with it")
        }
        try RunJob.resume(resume)
      } else {
        let matrix = try makeMatrix()
        let against = try builds.makeAgainst(matrix)
        if dryRun {
          print(MatrixListing(matrix, launches: against?.launches).text)
        } else if let against {
          try AgainstJob.start(matrix, against, builds.comparison, out: out)
        } else {
          try RunJob.start(matrix, out: out)
        }
      }
    }
  }

  /// Nothing given that would change what is measured.
  private var isBare: Bool {
    experiments.isEmpty && config == nil && preset == nil && out == nil && !builds.isGiven && !quick && !dryRun
      && !hasGuestFlags
      && !hasSharedFlags
  }

  private var hasGuestFlags: Bool { strategy != nil || hasFlagsOfTheGuest }

  private var hasFlagsOfTheGuest: Bool {
    [guest, state, buddyinfo, pagetypeinfo, zoneinfo, listOrder, granule, vmemmap, budget].contains { $0 != nil }
      || nodes != nil || cpus != nil || free != nil || movable != nil
  }

  private var hasSharedFlags: Bool {
    [lock, order, holdLimit, counters, events, timeLimit].contains { $0 != nil } || repetitions != nil || seed != nil
      || !experimentFlags.values.isEmpty
  }

  /// Flags that say what a modelled guest is like, by name, as far as they are given.
  private var guestFlags: [String] {
    let flags: [(String, Bool)] = [
      ("--state", state != nil), ("--free", free != nil), ("--nodes", nodes != nil), ("--cpus", cpus != nil),
      ("--movable", movable != nil), ("--list-order", listOrder != nil), ("--granule", granule != nil),
      ("--vmemmap", vmemmap != nil), ("--lock", lock != nil), ("--buddyinfo", buddyinfo != nil),
      ("--pagetypeinfo", pagetypeinfo != nil), ("--zoneinfo", zoneinfo != nil),
    ]
    return flags.filter(\.1).map(\.0)
  }

  /// Flags that choose among strategies, by name, as far as they are given.
  private var strategyFlags: [String] {
    [("--strategy", strategy), ("--order", order), ("--budget", budget)].filter { $0.1 != nil }.map(\.0)
  }

  /// A flag that no chosen experiment has a use for is refused.
  private func checkFlags(_ config: RunConfig) throws {
    let cards = try config.experimentCards
    let names = cards.map(\.name).joined(separator: ", ")
    if let flag = guestFlags.first, !cards.contains(where: { $0.guest == .modelled }) {
      throw UserError(.usage, "\(flag): \(names) has no allocator to set; of a guest it takes --guest only")
    }
    if let flag = strategyFlags.first, strategy != "none", !cards.contains(where: \.takesStrategies) {
      throw UserError(.usage, "\(flag): in \(names) no strategy takes part")
    }
  }

  private func makeMatrix() throws -> Matrix {
    let made = try makeConfig()
    try checkFlags(made)
    do { return try Matrix(made, host: .current) } catch {
      guard let config, error.kind == .usage else { throw error }
      // Where the file alone makes no sense, no word on the command line is to blame.
      do { _ = try Matrix(try RunConfig.read(config), host: .current) } catch let own where own.kind == .usage {
        throw UserError(.input, "\(config): \(own)")
      } catch {}
      throw error
    }
  }

  private func makeConfig() throws -> RunConfig {
    var made: RunConfig
    if let config {
      guard !hasGuestFlags, !quick else {
        throw UserError(.usage, "--config says which guests and strategies to run; flags for them don't go with it")
      }
      guard preset == nil else { throw UserError(.usage, "a preset is a matrix: --config doesn't go with it") }
      made = try RunConfig.read(config)
    } else if let preset {
      let fixed: Set = ["bandwidth", "downtime-limit", "load"]
      guard !hasFlagsOfTheGuest, !quick, fixed.isDisjoint(with: experimentFlags.values.keys) else {
        throw UserError(
          .usage, "--preset says which guest, loads, bandwidth and downtime limit; flags for them don't go with it")
      }
      made = MigrationPreset.config(try MigrationPreset.named(preset))
      if !experiments.isEmpty {
        let preset = made.experiments ?? []
        made.experiments = experiments
        guard try made.experimentCards.map(\.name) == preset else {
          throw UserError(.usage, "the preset \(self.preset ?? "") is of \(preset.joined(separator: ", "))")
        }
      }
      if let strategies = list(strategy) {
        for index in made.groups.indices { made.groups[index].strategies = strategies }
      }
    } else {
      guard buddyinfo == nil || nodes == nil else {
        throw UserError(.usage, "a capture says how many nodes there are: --nodes doesn't go with --buddyinfo")
      }
      made = try .standard(experiments.isEmpty ? nil : experiments, quick: quick)
      if hasGuestFlags {
        // Each experiment once, with what wasn't said from the first of its own groups.
        var seen: Set<[String]> = []
        made.groups = made.groups.filter { seen.insert($0.experiments).inserted }.map(group(defaults:))
      }
    }
    if config != nil && !experiments.isEmpty { made.experiments = experiments }
    made.lock = lock ?? made.lock
    made.order = order ?? made.order
    made.options.merge(experimentFlags.values) { _, given in given }
    made.repetitions = repetitions ?? made.repetitions
    made.seed = seed ?? made.seed
    made.holdLimit = holdLimit ?? made.holdLimit
    made.counters = counters ?? made.counters
    made.events = list(events) ?? made.events
    made.timeLimit = timeLimit ?? made.timeLimit
    return made
  }

  private func list(_ text: String?) -> [String]? {
    text.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
  }

  private func group(defaults: RunConfig.Group) -> RunConfig.Group {
    var group = RunConfig.Group()
    group.experiments = defaults.experiments
    group.experimentOptions = defaults.experimentOptions
    group.movable = movable ?? (buddyinfo == nil ? defaults.movable : nil)
    group.guests = list(guest) ?? (buddyinfo == nil ? defaults.guests : [])
    group.states = list(state) ?? (buddyinfo == nil ? (free == nil ? defaults.states : ["aged"]) : [])
    // None named: all that this machine has room for.
    group.strategies = list(strategy) ?? []
    group.nodes = nodes ?? group.nodes
    group.cpus = cpus
    group.free = free
    group.listOrder = listOrder
    group.granule = granule ?? group.granule
    group.vmemmap = vmemmap ?? group.vmemmap
    group.buddyinfo = buddyinfo
    group.pagetypeinfo = pagetypeinfo
    group.zoneinfo = zoneinfo
    if let budget { group.options["budget"] = list(budget) }
    return group
  }
}
