import GuestMemory
import Records

// Options that several experiments share because the bench implements them. Each experiment declares which it has, and
// their defaults.
extension DeclaredOption {
  /// What the load threads (mutators) do. `defaults` without `none` is for an experiment that requires a load, unless
  /// it is `orNone`. `courses`: whether its windows are long enough for loads that have a course.
  package static func load(
    _ defaults: [MutatorLoad], orNone: Bool = false, courses: Bool = false
  ) -> DeclaredOption {
    let loads = MutatorLoad.allCases.filter {
      $0 == .none ? orNone || defaults.contains(.none) : courses || !$0.isCourse
    }
    return DeclaredOption(
      "load", .choice(loads.map(\.rawValue)), defaults: defaults.map(\.rawValue),
      "load from other threads", source: "this project")
  }

  /// The number of load threads.
  package static let mutators = mutators(courses: false)

  /// The number of load threads. `courses`: as of ``load(_:orNone:courses:)``.
  package static func mutators(courses: Bool) -> DeclaredOption {
    DeclaredOption(
      "mutators", .count(1...1024, auto: "the host CPUs left over"), default: "auto",
      "number of load threads", source: "this project",
      onlyWith: .option("load", MutatorLoad.names(courses: courses), otherwise: "0"))
  }

  package static let hostAck = DeclaredOption(
    "host-ack-ns", .integer(0...10_000_000_000), default: "0",
    "time the host takes to acknowledge a report, in ns; 0: at once", source: "this project")

  package static let cache = DeclaredOption(
    "cache", .choice(CacheState.allCases.map(\.rawValue)), default: CacheState.cold.rawValue,
    "cache state before each session", source: "this project")

  /// Zeroing isn't in any time: column page_init_ns of `scan` has it. `implied`: as ``DeclaredOption/impliedValue``.
  package static func pageInit(implied: PageInit? = nil) -> DeclaredOption {
    DeclaredOption(
      "page-init", .choice(PageInit.allCases.map(\.rawValue)), default: PageInit.none.rawValue,
      "when the guest kernel zeroes pages: never, on allocation or on free; zeroing, 6.12 and later check struct pages",
      source: "init_on_alloc, init_on_free; off upstream, alloc in Debian", implied: implied?.rawValue)
  }

  package static let scanners = DeclaredOption(
    "scanners", .choice(Scanners.allCases.map(\.rawValue)), default: Scanners.one.rawValue,
    "scanner threads: one, or one on each guest node", source: "this project",
    implied: Scanners.one.rawValue)

  package static let placement = DeclaredOption(
    "placement", .choice(Placement.allCases.map(\.rawValue)), default: Placement.local.rawValue,
    "NUMA placement of scanner and memory: as the guest's nodes, or one cell per pair of host nodes",
    source: "this project",
    tellsCellsApart: false)

  /// The clocks the experiment supports; the first is the default.
  package static func clock(_ clocks: [ExperimentClock]) -> DeclaredOption {
    DeclaredOption(
      "clock", .choice(clocks.map(\.rawValue)), default: clocks[0].rawValue,
      "clock that drives the experiment; real: threads, timed; virtual: events at a set rate on one thread",
      source: "this project")
  }

  /// The length of one measurement.
  package static func window(_ text: String) -> DeclaredOption {
    DeclaredOption(
      // A shorter window mostly measures starting and stopping threads.
      "window", .time(10_000_000...3_600_000_000_000_000), default: text, "length of each measurement window",
      source: "this project", column: "window_ns")
  }
}

extension MutatorLoad {
  /// The names of all loads but `none`. `courses`: with those that have a course.
  package static func names(courses: Bool) -> [String] {
    allCases.filter { $0 != .none && (courses || !$0.isCourse) }.map(\.rawValue)
  }
}

extension OptionValues {
  package var load: MutatorLoad { self["load"].flatMap(MutatorLoad.init) ?? .none }
  /// The number of load threads; 0 if not resolved yet.
  package var mutators: Int { self["mutators"].flatMap { Int($0) } ?? 0 }
  /// The time until the host acknowledges a report. Nanoseconds.
  package var hostAckNs: UInt64 { self["host-ack-ns"].flatMap { UInt64($0) } ?? 0 }
  /// How long a load rests after a process or a burst; 0 if the experiment lacks the option. Nanoseconds.
  package var restNanoseconds: UInt64 { (self["sleep-ms"].flatMap { UInt64($0) } ?? 0) * 1_000_000 }
  /// The cache state before each session; warm if the experiment lacks the option, since its own threads leave the
  /// caches filled.
  package var cache: CacheState { self["cache"].flatMap(CacheState.init) ?? .warm }
  package var pageInit: PageInit { self["page-init"].flatMap(PageInit.init) ?? .none }
  package var scanners: Scanners { self["scanners"].flatMap(Scanners.init) ?? .one }
  package var placement: Placement { self["placement"].flatMap(Placement.init) ?? .local }
  package var clock: ExperimentClock { self["clock"].flatMap(ExperimentClock.init) ?? .real }

  package func scanners(nodes: Int) -> Int { scanners == .perNode ? nodes : 1 }
}
