import Foundation
import GuestMemory
import Hinting
import Instruments
import Records

/// Everything that determines what a run measures: read by `--config`, set by flags, kept in meta.json. Values are text
/// as on the command line, so that a checked-in file reads like one.
public struct RunConfig: Codable, Hashable, Sendable {
  /// A cross product of guests, states and strategies.
  public struct Group: Codable, Hashable, Sendable {
    /// The names of the run's experiments that this group is for; empty: all.
    public var experiments: [String] = []
    public var guests: [String] = []
    public var states: [String] = []
    public var strategies: [String] = []
    /// The kernels whose rules the guests follow; empty: ``KernelVersion/standard``.
    public var kernels: [String] = []
    public var nodes = 1
    /// The number of guest CPUs; nil: 4, or more if there are more threads on them.
    public var cpus: Int?
    /// The free share of an aged guest.
    public var free: Double?
    /// The share of Normal memory in ZONE_MOVABLE.
    public var movable: Double?
    public var listOrder: String?
    public var granule = "auto"
    public var vmemmap = "auto"
    public var buddyinfo: String?
    public var pagetypeinfo: String?
    public var zoneinfo: String?
    /// The lists of a real kernel, in place of the other three.
    public var lists: String?
    /// In place of the other files: where they are looked for.
    public var capture: String?
    /// A kernel's log, for the free blocks.
    public var showMem: String?
    /// Which of several copies in ``capture`` or ``showMem``; nil: the last.
    public var nth: Int?
    /// The name of the capture in a series, which column state has; nil: it is of none.
    public var captureName: String?
    /// The capture, as far as it is named.
    public var captureFiles: CaptureFiles {
      get {
        CaptureFiles(
          capture: capture, buddyinfo: buddyinfo, pagetypeinfo: pagetypeinfo, zoneinfo: zoneinfo, showMem: showMem,
          nth: nth, lists: lists)
      }
      set {
        (capture, showMem, nth, lists) = (newValue.capture, newValue.showMem, newValue.nth, newValue.lists)
        (buddyinfo, pagetypeinfo, zoneinfo) = (newValue.buddyinfo, newValue.pagetypeinfo, newValue.zoneinfo)
      }
    }
    /// Where a captured guest's watermarks are from: a ``WatermarkSource``; nil: zoneinfo's, or computed without it.
    public var watermarks: String?
    /// The page size of a captured machine: a ``PageSize``, or auto; nil: auto.
    public var pageSize: String?
    /// Values for every strategy that has an option of that name.
    public var options: [String: [String]] = [:]
    /// Values for every experiment of the group that has an option of that name, unless set elsewhere.
    public var experimentOptions: [String: [String]] = [:]

    public init() {}

    enum CodingKeys: String, CodingKey, CaseIterable {
      case experiments, guests, states, strategies, kernels, nodes, cpus, free, movable, granule, vmemmap
      case buddyinfo, pagetypeinfo, zoneinfo, lists, capture, nth, watermarks, options
      case showMem = "show_mem"
      case captureName = "capture_name"
      case listOrder = "list_order"
      case pageSize = "page_size"
      case experimentOptions = "experiment_options"
    }

    public init(from decoder: any Decoder) throws {
      let box = try decoder.container(keyedBy: CodingKeys.self)
      let former = try FormerOptions(decoder, of: FormerOptions.ofGroups)
      try StrictJSON.refuseUnknownKeys(decoder, CodingKeys.allCases.map(\.rawValue), former: former.keys)
      let standard = Group()
      experiments = try box.decodeIfPresent([String].self, forKey: .experiments) ?? []
      movable = try box.decodeIfPresent(Double.self, forKey: .movable)
      guests = try box.decodeIfPresent([String].self, forKey: .guests) ?? standard.guests
      states = try box.decodeIfPresent([String].self, forKey: .states) ?? standard.states
      strategies = try box.decodeIfPresent([String].self, forKey: .strategies) ?? standard.strategies
      kernels = try box.decodeIfPresent([String].self, forKey: .kernels) ?? []
      nodes = try RunConfig.number(Int.self, box, .nodes) ?? standard.nodes
      cpus = try RunConfig.number(Int.self, box, .cpus)
      free = try box.decodeIfPresent(Double.self, forKey: .free)
      listOrder = try box.decodeIfPresent(String.self, forKey: .listOrder)
      granule = try box.decodeIfPresent(String.self, forKey: .granule) ?? standard.granule
      vmemmap = try box.decodeIfPresent(String.self, forKey: .vmemmap) ?? standard.vmemmap
      buddyinfo = try box.decodeIfPresent(String.self, forKey: .buddyinfo)
      pagetypeinfo = try box.decodeIfPresent(String.self, forKey: .pagetypeinfo)
      zoneinfo = try box.decodeIfPresent(String.self, forKey: .zoneinfo)
      lists = try box.decodeIfPresent(String.self, forKey: .lists)
      capture = try box.decodeIfPresent(String.self, forKey: .capture)
      showMem = try box.decodeIfPresent(String.self, forKey: .showMem)
      nth = try RunConfig.number(Int.self, box, .nth)
      captureName = try box.decodeIfPresent(String.self, forKey: .captureName)
      watermarks = try box.decodeIfPresent(String.self, forKey: .watermarks)
      pageSize = try box.decodeIfPresent(String.self, forKey: .pageSize)
      options = try box.decodeIfPresent([String: [String]].self, forKey: .options) ?? [:]
      experimentOptions = try box.decodeIfPresent([String: [String]].self, forKey: .experimentOptions) ?? [:]
      experimentOptions.merge(former.values) { own, _ in own }
    }
  }

  /// `EXPERIMENT[:OPTION=VALUE[/VALUE...]]...`; nil: the default experiment.
  public var experiments: [String]?
  public var groups: [Group] = []
  /// Values set by flags, for every experiment of the run that has an option of that name and whose own text doesn't
  /// set it. At least one experiment must have the option.
  public var options: [String: [String]] = [:]
  public var lock = "queued"
  /// The lowest order: a number or `native`; nil: the highest order.
  public var order: String?
  public var repetitions = 5
  public var seed: UInt64 = 1
  public var holdLimit = "100us"
  public var counters = "auto"
  /// Events to count beside those with a column, by PAPI's names.
  public var events: [String] = []
  public var timeLimit: String?
  /// `decided`: repetitions are added until all comparisons of the run's strategies are decided; ``repetitions`` is how
  /// many were planned last. nil: that many and no more.
  public var until: String?

  public init() {}

  enum CodingKeys: String, CodingKey, CaseIterable {
    case experiments, groups, options, lock, order, repetitions, seed, counters, events, until
    case holdLimit = "hold_limit"
    case timeLimit = "time_limit"
  }

  public init(from decoder: any Decoder) throws {
    let box = try decoder.container(keyedBy: CodingKeys.self)
    let former = try FormerOptions(decoder, of: FormerOptions.ofRuns)
    try StrictJSON.refuseUnknownKeys(decoder, CodingKeys.allCases.map(\.rawValue), former: former.keys)
    let standard = RunConfig()
    experiments = try box.decodeIfPresent([String].self, forKey: .experiments)
    groups = try box.decodeIfPresent([Group].self, forKey: .groups) ?? []
    options = try box.decodeIfPresent([String: [String]].self, forKey: .options) ?? [:]
    options.merge(former.values) { own, _ in own }
    lock = try box.decodeIfPresent(String.self, forKey: .lock) ?? standard.lock
    order = try box.decodeIfPresent(String.self, forKey: .order)
    repetitions = try RunConfig.number(Int.self, box, .repetitions) ?? standard.repetitions
    seed = try RunConfig.number(UInt64.self, box, .seed) ?? standard.seed
    holdLimit = try box.decodeIfPresent(String.self, forKey: .holdLimit) ?? standard.holdLimit
    counters = try box.decodeIfPresent(String.self, forKey: .counters) ?? standard.counters
    events = try box.decodeIfPresent([String].self, forKey: .events) ?? []
    timeLimit = try box.decodeIfPresent(String.self, forKey: .timeLimit)
    until = try box.decodeIfPresent(String.self, forKey: .until)
  }

  /// Reads a number and names the key if it isn't whole or is out of range, for which JSONDecoder only reports invalid
  /// JSON.
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
  /// The default configuration of `hintbench run EXPERIMENT ...`: each experiment's own groups.
  ///
  /// - Parameters:
  ///   - experiments: the chosen experiments; nil: the default one.
  ///   - quick: small guests and three repetitions, which take seconds.
  ///   - list: the program's experiments.
  /// - Throws: ``UserError`` for an unknown experiment or a malformed option.
  public static func standard(
    _ experiments: [String]? = nil, quick: Bool = false, of list: ExperimentList
  ) throws(UserError) -> RunConfig {
    var config = RunConfig()
    config.experiments = experiments ?? list.standard
    let chosen = try list.chosen(experiments)
    for (index, one) in chosen.enumerated() where !chosen[..<index].contains(where: { $0.name == one.name }) {
      for var group in one.experiment.groups(quick: quick) {
        if chosen.count > 1 { group.experiments = [one.name] }
        config.groups.append(group)
      }
    }
    if quick { config.repetitions = 3 }
    return config
  }

  /// The cards of the chosen experiments.
  ///
  /// - Parameter list: the program's experiments.
  /// - Throws: ``UserError`` for an unknown experiment or a malformed option.
  public func experimentCards(of list: ExperimentList) throws(UserError) -> [ExperimentCard] {
    try list.chosen(experiments).map(\.card)
  }

  /// The configuration that a run recorded. One that names no kernels is from before there was a choice: its guests
  /// followed the rules of 6.1. So did those of a buddyinfo alone have no watermarks.
  ///
  /// - Throws: `DecodingError` if it is of another version.
  public init(recorded config: JSONValue) throws {
    self = try JSONDecoder().decode(RunConfig.self, from: JSONEncoder().encode(config))
    for index in groups.indices where groups[index].kernels.isEmpty {
      groups[index].kernels = [KernelVersion.linux61.rawValue]
    }
    for index in groups.indices
    where groups[index].watermarks == nil && groups[index].buddyinfo != nil && groups[index].zoneinfo == nil {
      groups[index].watermarks = WatermarkSource.none.rawValue
    }
  }

  /// Reads a checked-in matrix.
  ///
  /// - Throws: ``UserError`` (74 if the file can't be read, 65 if it is invalid).
  public static func read(_ path: String) throws(UserError) -> RunConfig {
    try StrictJSON.read(path, accepted: "JSON in the format of `config` in meta.json")
  }
}
