import ArgumentParser
import Experiments
import Foundation
import Hinting
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
    help: ArgumentHelp("Experiments to run, see `hintbench list experiments` (default: scan).", valueName: "experiment")
  )
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
  @Option(help: ArgumentHelp("Whether the guest's kernel zeroes pages: none, alloc, free.", valueName: "when"))
  var pageInit: String?
  @Option(help: ArgumentHelp("What a repetition finds in the caches: cold, warm.", valueName: "state")) var cache:
    String?
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
    help: ArgumentHelp(
      "Host's time to acknowledge a report, in nanoseconds (default: 0, at once).", valueName: "ns,..."))
  var hostAckNs: String?
  @Option(
    help: ArgumentHelp("What other threads do: none, order0, thp, mixed, faults, compile.", valueName: "load,..."))
  var load: String?
  @Option(parsing: .unconditional, help: "Threads that do it (default: cores - 1).") var mutators: Int?
  @Option(
    parsing: .unconditional, help: ArgumentHelp("How long an experiment with windows measures.", valueName: "time"))
  var window: String?
  @Option(help: ArgumentHelp("Clock of `steady-state` and `migration`: real, virtual.", valueName: "clock")) var clock:
    String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Operations a second of each mutator by the virtual clock, and in a migration.", valueName: "rate"))
  var mutatorRate: Double?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Share of Normal memory in ZONE_MOVABLE (default: 0).", valueName: "fraction"))
  var movable: Double?
  @Option(
    help: ArgumentHelp(
      "Host nodes of scanner and memory: local, or matrix for every pair (default: local).", valueName: "where"))
  var placement: String?
  @Option(
    help: ArgumentHelp(
      "Threads that scan: one, or per-node for one on each modelled node (default: one).", valueName: "how-many"))
  var scanners: String?
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
    parsing: .unconditional,
    help: ArgumentHelp("What a migration may send, in bytes a second (default: 1G).", valueName: "size,..."))
  var bandwidth: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How long a migration may stop the guest (default: 300ms).", valueName: "time,..."))
  var downtimeLimit: String?
  @Option(
    help: ArgumentHelp(
      "A published migration, run under its conditions: \(MigrationPreset.all.map(\.name).joined(separator: ", ")).",
      valueName: "name"))
  var preset: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What a kick costs in `delivery` that the host wants, a VM exit (default: 0).", valueName: "ns,..."))
  var exitNs: String?
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

  func run() throws {
    try Failure.reporting {
      if let resume {
        guard isBare else {
          throw MatrixError(
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
    [guest, state, buddyinfo, pagetypeinfo, zoneinfo, listOrder, granule, vmemmap, budget].contains {
      $0 != nil
    }
      || nodes != nil || cpus != nil || free != nil || movable != nil
  }

  private var hasSharedFlags: Bool {
    [
      lock, pageInit, cache, order, load, holdLimit, counters, events, timeLimit, hostAckNs, window, clock, placement,
      scanners, bandwidth, downtimeLimit, exitNs,
    ].contains { $0 != nil }
      || mutators != nil || repetitions != nil || seed != nil || mutatorRate != nil
  }

  private func makeMatrix() throws -> Matrix {
    let made = try makeConfig()
    do { return try Matrix(made, host: .current) } catch {
      guard let config, error.kind == .usage else { throw error }
      // Where the file alone makes no sense, no word on the command line is to blame.
      do { _ = try Matrix(try RunConfig.read(config), host: .current) } catch let own where own.kind == .usage {
        throw MatrixError(.input, "\(config): \(own)")
      } catch {}
      throw error
    }
  }

  private func makeConfig() throws -> RunConfig {
    var made: RunConfig
    if let config {
      guard !hasGuestFlags, !quick else {
        throw MatrixError(.usage, "--config says which guests and strategies to run; flags for them don't go with it")
      }
      guard preset == nil else { throw MatrixError(.usage, "a preset is a matrix: --config doesn't go with it") }
      made = try RunConfig.read(config)
    } else if let preset {
      guard !hasFlagsOfTheGuest, !quick, bandwidth == nil, downtimeLimit == nil, load == nil else {
        throw MatrixError(
          .usage, "--preset says which guest, loads, bandwidth and downtime limit; flags for them don't go with it")
      }
      made = try MigrationPreset.named(preset).config
      guard experiments.isEmpty || experiments == made.experiments else {
        throw MatrixError(.usage, "the preset \(preset) is of \(made.experiments.joined(separator: ", "))")
      }
      if let strategies = list(strategy) {
        for index in made.groups.indices { made.groups[index].strategies = strategies }
      }
    } else {
      guard buddyinfo == nil || nodes == nil else {
        throw MatrixError(.usage, "a capture says how many nodes there are: --nodes doesn't go with --buddyinfo")
      }
      made = try .standard(experiments.isEmpty ? ["scan"] : experiments, quick: quick)
      if hasGuestFlags {
        // Each experiment once, with what wasn't said from the first of its own groups.
        var seen: Set<[String]> = []
        made.groups = made.groups.filter { seen.insert($0.experiments).inserted }.map(group(defaults:))
      }
    }
    if config != nil && !experiments.isEmpty { made.experiments = experiments }
    made.lock = lock ?? made.lock
    made.pageInit = pageInit ?? made.pageInit
    made.cache = cache ?? made.cache
    made.order = order ?? made.order
    made.load = load ?? made.load
    made.hostAckNs = hostAckNs ?? made.hostAckNs
    made.window = window ?? made.window
    made.clock = clock ?? made.clock
    made.bandwidth = bandwidth ?? made.bandwidth
    made.downtimeLimit = downtimeLimit ?? made.downtimeLimit
    made.exitNs = exitNs ?? made.exitNs
    made.mutatorRate = mutatorRate ?? made.mutatorRate
    made.mutators = mutators ?? made.mutators
    made.repetitions = repetitions ?? made.repetitions
    made.seed = seed ?? made.seed
    made.holdLimit = holdLimit ?? made.holdLimit
    made.counters = counters ?? made.counters
    made.events = list(events) ?? made.events
    made.timeLimit = timeLimit ?? made.timeLimit
    made.placement = placement ?? made.placement
    made.scanners = scanners ?? made.scanners
    return made
  }

  private func list(_ text: String?) -> [String]? {
    text.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
  }

  private func group(defaults: RunConfig.Group) -> RunConfig.Group {
    var group = RunConfig.Group()
    group.experiments = defaults.experiments
    group.loads = defaults.loads
    group.hostAckNs = defaults.hostAckNs
    group.clock = defaults.clock
    group.window = defaults.window
    group.bandwidths = defaults.bandwidths
    group.downtimeLimits = defaults.downtimeLimits
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
