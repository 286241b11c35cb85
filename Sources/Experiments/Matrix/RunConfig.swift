import Foundation
import GuestMemory
import Hinting

/// Everything that decides what a run measures: what `--config` reads, what the flags are turned into and what
/// meta.json keeps. Text as on the command line, so that a checked-in file reads like one.
public struct RunConfig: Codable, Hashable, Sendable {
  /// Guests, states and strategies that are crossed with each other.
  public struct Group: Codable, Hashable, Sendable {
    /// Those of the run's experiments that this group is for; empty: all.
    public var experiments: [String] = []
    public var guests: [String] = []
    public var states: [String] = []
    public var strategies: [String] = []
    public var nodes = 1
    /// Nil: 4, or one more than there are mutators.
    public var cpus: Int?
    /// The free share of an aged guest.
    public var free: Double?
    /// The share of Normal memory in ZONE_MOVABLE.
    public var movable: Double?
    /// Loads where the run itself names none; empty: the experiment's own.
    public var loads: [String] = []
    public var hostAckNs: [String] = []
    /// real or virtual, where the experiment has both.
    public var clock: String?
    /// How long one measurement lasts.
    public var window: String?
    /// Bytes a second that a migration may send, as sizes, and how long it may stop the guest.
    public var bandwidths: [String] = []
    public var downtimeLimits: [String] = []
    public var listOrder: String?
    public var granule = "auto"
    public var vmemmap = "auto"
    public var buddyinfo: String?
    public var pagetypeinfo: String?
    public var zoneinfo: String?
    /// Values for every strategy that has an option of that name.
    public var options: [String: [String]] = [:]

    public init() {}

    enum CodingKeys: String, CodingKey, CaseIterable {
      case experiments, guests, states, strategies, nodes, cpus, free, movable, loads, clock, window, granule, vmemmap
      case buddyinfo, pagetypeinfo, zoneinfo, options
      case hostAckNs = "host_ack_ns"
      case listOrder = "list_order"
      case bandwidths = "bandwidth"
      case downtimeLimits = "downtime_limit"
    }

    public init(from decoder: any Decoder) throws {
      let box = try decoder.container(keyedBy: CodingKeys.self)
      try StrictJSON.refuseUnknownKeys(decoder, CodingKeys.allCases.map(\.rawValue))
      let standard = Group()
      experiments = try box.decodeIfPresent([String].self, forKey: .experiments) ?? []
      movable = try box.decodeIfPresent(Double.self, forKey: .movable)
      loads = try box.decodeIfPresent([String].self, forKey: .loads) ?? []
      hostAckNs = try box.decodeIfPresent([String].self, forKey: .hostAckNs) ?? []
      clock = try box.decodeIfPresent(String.self, forKey: .clock)
      window = try box.decodeIfPresent(String.self, forKey: .window)
      bandwidths = try box.decodeIfPresent([String].self, forKey: .bandwidths) ?? []
      downtimeLimits = try box.decodeIfPresent([String].self, forKey: .downtimeLimits) ?? []
      guests = try box.decodeIfPresent([String].self, forKey: .guests) ?? standard.guests
      states = try box.decodeIfPresent([String].self, forKey: .states) ?? standard.states
      strategies = try box.decodeIfPresent([String].self, forKey: .strategies) ?? standard.strategies
      nodes = try RunConfig.number(Int.self, box, .nodes) ?? standard.nodes
      cpus = try RunConfig.number(Int.self, box, .cpus)
      free = try box.decodeIfPresent(Double.self, forKey: .free)
      listOrder = try box.decodeIfPresent(String.self, forKey: .listOrder)
      granule = try box.decodeIfPresent(String.self, forKey: .granule) ?? standard.granule
      vmemmap = try box.decodeIfPresent(String.self, forKey: .vmemmap) ?? standard.vmemmap
      buddyinfo = try box.decodeIfPresent(String.self, forKey: .buddyinfo)
      pagetypeinfo = try box.decodeIfPresent(String.self, forKey: .pagetypeinfo)
      zoneinfo = try box.decodeIfPresent(String.self, forKey: .zoneinfo)
      options = try box.decodeIfPresent([String: [String]].self, forKey: .options) ?? [:]
    }
  }

  public var experiments = ["scan"]
  public var groups: [Group] = []
  public var lock = "queued"
  public var pageInit = "none"
  public var cache = "cold"
  /// Nil: the highest order; `native`; or a number.
  public var order: String?
  /// Comma-separated. Nil leaves it to the group, and that to the experiment; so does `none` where an experiment has no
  /// sense without one.
  public var load: String?
  /// Nil leaves these three to the group, and that to the experiment. Acknowledgement times comma-separated.
  public var hostAckNs: String?
  public var clock: String?
  public var window: String?
  /// What a migration may send, in bytes a second, and how long it may stop the guest; both comma-separated. Nil leaves
  /// it to the group, and that to the experiment.
  public var bandwidth: String?
  public var downtimeLimit: String?
  /// Nanoseconds that a kick costs which a host wants, comma-separated, where hints go to one that acts on them. Nil: 0.
  public var exitNs: String?
  /// Operations a second of each mutator where the clock is virtual.
  public var mutatorRate: Double?
  /// Nil: the host's cores - 1, where there is a load.
  public var mutators: Int?
  public var repetitions = 5
  public var seed: UInt64 = 1
  public var holdLimit = "100us"
  public var counters = "auto"
  /// Events to be counted beside those with a column, by PAPI's names.
  public var events: [String] = []
  public var timeLimit: String?
  public var placement = "local"
  public var scanners = "one"

  public init() {}

  enum CodingKeys: String, CodingKey, CaseIterable {
    case experiments, groups, lock, cache, order, load, mutators, repetitions, seed, counters, events, clock, window
    case placement, scanners, bandwidth
    case downtimeLimit = "downtime_limit"
    case hostAckNs = "host_ack_ns"
    case exitNs = "exit_ns"
    case mutatorRate = "mutator_rate"
    case pageInit = "page_init"
    case holdLimit = "hold_limit"
    case timeLimit = "time_limit"
  }

  public init(from decoder: any Decoder) throws {
    let box = try decoder.container(keyedBy: CodingKeys.self)
    try StrictJSON.refuseUnknownKeys(decoder, CodingKeys.allCases.map(\.rawValue))
    let standard = RunConfig()
    experiments = try box.decodeIfPresent([String].self, forKey: .experiments) ?? standard.experiments
    groups = try box.decodeIfPresent([Group].self, forKey: .groups) ?? []
    lock = try box.decodeIfPresent(String.self, forKey: .lock) ?? standard.lock
    pageInit = try box.decodeIfPresent(String.self, forKey: .pageInit) ?? standard.pageInit
    cache = try box.decodeIfPresent(String.self, forKey: .cache) ?? standard.cache
    order = try box.decodeIfPresent(String.self, forKey: .order)
    load = try box.decodeIfPresent(String.self, forKey: .load)
    hostAckNs = try box.decodeIfPresent(String.self, forKey: .hostAckNs)
    clock = try box.decodeIfPresent(String.self, forKey: .clock)
    window = try box.decodeIfPresent(String.self, forKey: .window)
    bandwidth = try box.decodeIfPresent(String.self, forKey: .bandwidth)
    downtimeLimit = try box.decodeIfPresent(String.self, forKey: .downtimeLimit)
    exitNs = try box.decodeIfPresent(String.self, forKey: .exitNs)
    mutatorRate = try box.decodeIfPresent(Double.self, forKey: .mutatorRate)
    mutators = try RunConfig.number(Int.self, box, .mutators)
    repetitions = try RunConfig.number(Int.self, box, .repetitions) ?? standard.repetitions
    seed = try RunConfig.number(UInt64.self, box, .seed) ?? standard.seed
    holdLimit = try box.decodeIfPresent(String.self, forKey: .holdLimit) ?? standard.holdLimit
    counters = try box.decodeIfPresent(String.self, forKey: .counters) ?? standard.counters
    events = try box.decodeIfPresent([String].self, forKey: .events) ?? []
    timeLimit = try box.decodeIfPresent(String.self, forKey: .timeLimit)
    placement = try box.decodeIfPresent(String.self, forKey: .placement) ?? standard.placement
    scanners = try box.decodeIfPresent(String.self, forKey: .scanners) ?? standard.scanners
  }

  /// JSONDecoder says of a number that isn't whole or is out of range only that the file is no JSON.
  private static func number<Number: Decodable, Key: CodingKey>(
    _ type: Number.Type, _ box: KeyedDecodingContainer<Key>, _ key: Key
  ) throws -> Number? {
    do { return try box.decodeIfPresent(type, forKey: key) } catch let error as DecodingError {
      if case .typeMismatch = error { throw error }
      throw DecodingError.dataCorruptedError(forKey: key, in: box, debugDescription: "not a whole number in its range")
    } catch {
      throw DecodingError.dataCorruptedError(forKey: key, in: box, debugDescription: "not a whole number in its range")
    }
  }
}

extension RunConfig {
  /// What `hintbench run EXPERIMENT ...` measures where nothing else is said, by default a scan: each experiment's own
  /// groups. `quick`: small guests and three repetitions, seconds.
  ///
  /// - Throws: ``MatrixError`` for an unknown name.
  public static func standard(_ names: [String] = ["scan"], quick: Bool = false) throws(MatrixError) -> RunConfig {
    var config = RunConfig()
    config.experiments = names
    for name in names {
      for var group in try Experiments.named(name).groups(quick: quick) {
        if names.count > 1 { group.experiments = [name] }
        config.groups.append(group)
      }
    }
    if quick { config.repetitions = 3 }
    return config
  }

  /// Reads a checked-in matrix.
  ///
  /// - Throws: ``MatrixError`` (74 where the file can't be read, 65 where it isn't one).
  public static func read(_ path: String) throws(MatrixError) -> RunConfig {
    try StrictJSON.read(path, accepted: "JSON with the keys meta.json shows under config")
  }
}
