import ArgumentParser
import Bench
import Experiments
import Foundation
import GuestMemory
import Hinting
import Instruments
import Records
import Reporting

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run experiments on a matrix of guests, states and strategies, and write the results to a folder.",
    discussion: """
      Without arguments: scan every strategy at 8 and 64 GiB, and the read-only ones at 1 TiB, fresh and aged (under a \
      minute on two cores). Each experiment has default guests of its own (see --dry-run). Write sizes as 8G or 1.5T, \
      times as 100us, lists with commas, experiments as EXPERIMENT:OPTION=VALUE[/VALUE...].
      """)

  // `.unconditional` so that a value with a minus sign is rejected as a number, not as a flag.
  @Argument(
    help: ArgumentHelp(
      "Experiments to run, with their options; see `hintbench list experiments` (default: scan).",
      valueName: "experiment[:option=value[/value]...]"))
  var experiments: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Memory size of the modelled guests, 128M to 4P.", valueName: "size,..."))
  var guest: String?
  @Option(
    help: ArgumentHelp(
      "Kernels whose rules the modelled guests follow: 6.1, 6.12, mainline; see `hintbench list kernels` (default: 6.12).",
      valueName: "version,...")) var kernel: String?
  @Option(parsing: .unconditional, help: "NUMA nodes of the modelled guests, 1 to 16 (default: 1).") var nodes: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "CPUs of the modelled guests, 1 to 4096; determines pcp lists and watermarks (default: 4, or as many as the "
        + "load threads need; of a capture with zoneinfo its own)."))
  var cpus: Int?
  @Option(
    help: ArgumentHelp(
      "Strategies to run, with their options; see `hintbench list strategies` (default: the experiment's own, or all "
        + "that fit in memory).",
      valueName: "name[:option=value[/value]]...,..."))
  var strategy: String?
  @Option(
    help: ArgumentHelp(
      "Initial state of the guests: fresh, aged, or aged:PROFILE as work left a real kernel: processes, files, full, server.",
      valueName: "state,...")) var state: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Fraction of an aged guest's memory that is free, 0.05 to 0.95 (default: 0.5).", valueName: "fraction"))
  var free: Double?
  @Option(
    help: ArgumentHelp(
      "Where a captured guest's watermarks are from: captured (zoneinfo or a log), computed (the kernel's formulas), none "
        + "(then nothing may allocate) (default: captured where there are any, else computed).",
      valueName: "source"))
  var watermarks: String?
  @Option(help: ArgumentHelp("Order of blocks on the free lists: ascending, churned, shuffled.", valueName: "order"))
  var listOrder: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Granule: one struct page for 2^ORDER pages, 0 (exact) to 9, or auto (default: auto).", valueName: "order"))
  var granule: String?
  @Option(
    help: ArgumentHelp(
      "Host page size backing the vmemmap: 4k, 4k-filled, 2m, auto (default: auto).", valueName: "size"))
  var vmemmap: String?
  @Option(
    help: ArgumentHelp("Implementation of zone->lock: queued, test-and-set (default: queued).", valueName: "kind"))
  var lock: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Lowest order that strategies look at: 0 to 10, or native for each strategy's own (default: 10).",
      valueName: "order"))
  var order: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Set the option `budget` of every strategy that has one.", valueName: "entries,..."))
  var budget: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Fraction of Normal memory in ZONE_MOVABLE, 0 to 0.9 (default: 0).", valueName: "fraction"))
  var movable: Double?
  @Option(parsing: .unconditional, help: "Repetitions of each cell (default: 5).") var repetitions: Int?
  @Option(
    help: ArgumentHelp(
      "Instead of a number of repetitions: add them until every comparison of the strategies with the first one is "
        + "decided (10, 20, 40, ... 1280), or the time limit is reached.", valueName: "decided"))
  var until: String?
  @Option(parsing: .unconditional, help: "Seed of all random choices (default: 1).") var seed: UInt64?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Limit on the length of a hold (default: 100us).", valueName: "time"))
  var holdLimit: String?
  @Option(
    help: ArgumentHelp("Source of hardware counters: auto, papi, simulated, off (default: auto).", valueName: "source"))
  var counters: String?
  @Option(
    help: ArgumentHelp("Additional PAPI events to count, into events.csv.", valueName: "name,..."))
  var events: String?
  @Option(
    help: ArgumentHelp(
      "Reproduce a published setup: "
        + Preset.all.map { "\($0.name) (\($0.experiment))" }.joined(separator: ", ") + ".",
      valueName: "name"))
  var preset: String?
  @Option(help: ArgumentHelp("Read the matrix from a file, in the format of `config` in meta.json.", valueName: "file"))
  var config: String?
  @Flag(help: "Print the cells, the estimated time and memory, and exit.") var dryRun = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Start no more repetitions after this time; --resume runs the rest.", valueName: "time"))
  var timeLimit: String?
  @Option(help: ArgumentHelp("Output folder (default: a new one under Reports/runs).", valueName: "dir"))
  var out: String?
  @Option(help: ArgumentHelp("Resume an unfinished run.", valueName: "dir")) var resume: String?
  @Flag(help: "Small guests and three repetitions; takes seconds.") var quick = false
  @OptionGroup(title: "Guest from a capture") var capture: CaptureOptions
  @Flag(help: "Run on each capture of the folder of --capture, in the order of their names.") var each = false
  @OptionGroup(title: "Comparison with another build") var builds: AgainstOptions
  @OptionGroup(title: "Flags for experiment options, for one release (use EXPERIMENT:OPTION=VALUE)")
  var experimentFlags: ExperimentFlags

  func run() throws {
    try Failure.reporting {
      if let resume {
        guard isBare else {
          throw UserError(
            .usage, "--resume takes all settings from the run's meta.json: expected no other argument")
        }
        try RunJob.resume(resume)
      } else {
        var matrix = try makeMatrix()
        let against = try builds.makeAgainst(matrix)
        guard against == nil || !capture.files.isPiped else {
          throw UserError(
            .usage, "--against can't be combined with a capture from standard input: each launch reads it")
        }
        if matrix.config.until != nil {
          guard against == nil else {
            throw UserError(.usage, "--until can't be combined with --against: --launches sets the number of samples")
          }
          matrix = try UntilDecided.first(matrix)
        }
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

  /// Whether no option is given that changes what is measured.
  private var isBare: Bool {
    experiments.isEmpty && config == nil && preset == nil && out == nil && !builds.isGiven && !quick && !dryRun
      && !hasGuestFlags
      && !hasSharedFlags
  }

  private var hasGuestFlags: Bool { strategy != nil || hasFlagsOfTheGuest }

  private var hasFlagsOfTheGuest: Bool {
    [guest, state, kernel, watermarks, listOrder, granule, vmemmap, budget].contains { $0 != nil } || capture.isGiven
      || each || nodes != nil || cpus != nil || free != nil || movable != nil
  }

  private var hasSharedFlags: Bool {
    [lock, order, holdLimit, counters, events, timeLimit, until].contains { $0 != nil } || repetitions != nil
      || seed != nil
      || !experimentFlags.values.isEmpty
  }

  /// The given flags that describe a modelled guest, by name.
  private var guestFlags: [String] {
    let flags: [(String, Bool)] = [
      ("--state", state != nil), ("--kernel", kernel != nil), ("--free", free != nil), ("--nodes", nodes != nil),
      ("--cpus", cpus != nil),
      ("--movable", movable != nil), ("--list-order", listOrder != nil), ("--granule", granule != nil),
      ("--vmemmap", vmemmap != nil), ("--lock", lock != nil), ("--watermarks", watermarks != nil),
    ]
    return flags.filter(\.1).map(\.0) + capture.flags
  }

  /// The given flags that choose strategies, by name.
  private var strategyFlags: [String] {
    [("--strategy", strategy), ("--order", order), ("--budget", budget)].filter { $0.1 != nil }.map(\.0)
  }

  /// Refuses a flag that no chosen experiment uses.
  private func checkFlags(_ config: RunConfig) throws {
    let cards = try config.experimentCards
    let names = cards.map(\.name).joined(separator: ", ")
    if let flag = guestFlags.first, !cards.contains(where: { $0.guest == .modelled }) {
      throw UserError(.usage, "\(flag): \(names) has no allocator to set: expected --guest only")
    }
    if let flag = strategyFlags.first, strategy != "none", !cards.contains(where: \.takesStrategies) {
      throw UserError(.usage, "\(flag): \(names) takes no strategy: expected none")
    }
  }

  private func makeMatrix() throws -> Matrix {
    let made = try makeConfig()
    try checkFlags(made)
    do { return try Matrix(made, host: .current) } catch {
      guard let config, error.kind == .usage else { throw error }
      // If the file alone is invalid, no argument is to blame.
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
        throw UserError(.usage, "--config can't be combined with options for guests and strategies")
      }
      guard preset == nil else { throw UserError(.usage, "--preset can't be combined with --config") }
      made = try RunConfig.read(config)
    } else if let preset {
      let chosen = try Preset.named(preset)
      guard !hasFlagsOfTheGuest, !quick, chosen.fixed.isDisjoint(with: experimentFlags.values.keys) else {
        throw UserError(.usage, "--preset sets \(chosen.sets): expected no options for them")
      }
      made = chosen.config
      if !experiments.isEmpty {
        made.experiments = experiments
        guard try made.experimentCards.map(\.name) == [chosen.experiment] else {
          throw UserError(.usage, "preset \(chosen.name) is for experiment \(chosen.experiment)")
        }
      }
      if let strategies = list(strategy) {
        for index in made.groups.indices { made.groups[index].strategies = strategies }
      }
    } else {
      if let flag = capture.files.flags.first, nodes != nil {
        throw UserError(.usage, "--nodes can't be combined with \(flag): the capture determines the nodes")
      }
      made = try .standard(experiments.isEmpty ? nil : experiments, quick: quick)
      if hasGuestFlags {
        // Each experiment once, with missing settings from the first of its own groups.
        var seen: Set<[String]> = []
        let cards = try made.experimentCards
        made.groups = made.groups.filter { seen.insert($0.experiments).inserted }.map { defaults in
          let own = cards.filter { defaults.experiments.isEmpty || defaults.experiments.contains($0.name) }
          return group(defaults: defaults, withAllocator: own.contains(where: \.showsAllocator))
        }
        if each { made.groups = try groupsOfSeries(made.groups) }
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
    if let until {
      guard repetitions == nil, !quick else {
        throw UserError(
          .usage, "--until can't be combined with --repetitions or --quick: it decides how many there are")
      }
      made.until = until
    }
    return made
  }

  private func list(_ text: String?) -> [String]? {
    text.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
  }

  /// A group for each capture of the folder, one capture after another.
  private func groupsOfSeries(_ groups: [RunConfig.Group]) throws -> [RunConfig.Group] {
    guard let folder = capture.capture else { throw UserError.usage("--each needs --capture with a folder") }
    try capture.files.check()
    let series = try CaptureSeries(folder: folder, nth: capture.nth)
    for skipped in series.skipped { RunJob.say("skipped: \(skipped)") }
    return series.captures.flatMap { element in
      groups.map { group in
        var group = group
        group.capture = element.path
        group.captureName = element.name
        return group
      }
    }
  }

  /// The group of the given flags.
  ///
  /// - Parameters:
  ///   - defaults: the experiment's own group, for what no flag sets.
  ///   - withAllocator: whether the allocator's own holds are measured beside the strategies that were named, so that
  ///     theirs are never read alone. It allocates, which needs watermarks.
  private func group(defaults: RunConfig.Group, withAllocator: Bool) -> RunConfig.Group {
    var group = RunConfig.Group()
    group.experiments = defaults.experiments
    group.experimentOptions = defaults.experimentOptions
    let isCaptured = capture.isGiven
    group.movable = movable ?? (!isCaptured ? defaults.movable : nil)
    group.guests = list(guest) ?? (!isCaptured ? defaults.guests : [])
    group.states = list(state) ?? (!isCaptured ? (free == nil ? defaults.states : ["aged"]) : [])
    // No size given: all sizes that this machine has room for.
    group.strategies = list(strategy) ?? []
    if strategy != nil && withAllocator && watermarks != WatermarkSource.none.rawValue
      && !group.strategies.contains(where: { $0.hasPrefix("allocator") })
    {
      group.strategies.append("allocator")
    }
    group.kernels = list(kernel) ?? []
    group.nodes = nodes ?? group.nodes
    group.cpus = cpus
    group.free = free
    group.listOrder = listOrder
    group.granule = granule ?? group.granule
    group.vmemmap = vmemmap ?? group.vmemmap
    group.captureFiles = capture.files
    group.pageSize = capture.pageSize
    group.watermarks = watermarks
    if let budget { group.options["budget"] = list(budget) }
    return group
  }
}
