import GuestMemory
import Hinting
import Records

/// One point of the matrix.
public struct Cell: Sendable {
  public let id: String
  let experiment: any Experiment.Type
  public let guest: GuestSpec
  public let strategy: ConfiguredStrategy
  /// The lowest order in force.
  public let order: Int
  public let setting: Setting
  public let load: MutatorLoad
  public let mutators: Int
  /// More measured threads than the host has CPUs.
  public let oversubscribed: Bool

  /// What cells of one experiment have in common.
  public struct Setting: Sendable {
    public var pageInit = PageInit.none
    public var cache = CacheState.cold
    /// From a report to its acknowledgement. Nanoseconds; 0: the host takes everything at once.
    public var hostAckNs: UInt64 = 0
    /// How long a measurement lasts; nil where the work decides. Nanoseconds.
    public var windowNs: UInt64?
    public var clock = ExperimentClock.real
    /// Operations a second of each mutator, where the clock is virtual; in a migration by either clock.
    public var mutatorRate = 20_000.0
    /// Bytes a second that a migration may send; nil where nothing migrates.
    public var bandwidth: Double?
    /// How long a migration may stop the guest. Nanoseconds; nil where nothing migrates.
    public var downtimeLimitNs: Double?
    /// What a kick costs that the host wants: a VM exit. Nanoseconds.
    public var exitNs: UInt64 = 0
    public var scanners = Scanners.one
    /// The host node of the scanner; nil: where the guest's first node is.
    public var scanNode: Int?

    public init() {}
  }

  init(
    experiment: any Experiment.Type, guest: GuestSpec, strategy: ConfiguredStrategy, order: Int, setting: Setting,
    load: MutatorLoad, mutators: Int, hostCPUs: Int
  ) {
    self.experiment = experiment
    self.guest = guest
    self.strategy = strategy
    self.order = order
    self.setting = setting
    self.load = load
    self.mutators = mutators
    let scanners = setting.scanners == .perNode ? guest.nodes : 1
    // Where hints are acted on the host is there, and counted, whenever it answers.
    let hosts = setting.hostAckNs > 0 && !experiment.card.delivers ? scanners : 0
    // By the real clock a migration's destination is a process beside it.
    let destinations = experiment.card.migrates ? 1 : 0
    let threads = experiment.card.threads + scanners - 1 + mutators + hosts + destinations
    oversubscribed = setting.clock == .real && threads > hostCPUs
    var free: String?
    var capture: String?
    switch guest.state {
    case .fresh: break
    case .aged(let share): free = "\(share)"
    case .captured(let fingerprint): capture = fingerprint
    }
    var values: [(name: String, value: String?)] = [
      ("experiment", experiment.card.name), ("strategy", strategy.fullName), ("guest_bytes", "\(guest.bytes)"),
      ("nodes", "\(guest.nodes)"), ("cpus", "\(guest.cpus)"), ("granule_order", "\(guest.granuleOrder)"),
      ("vmemmap_page_bytes", "\(guest.vmemmapPage.rawValue)"), ("lock_kind", guest.lockKind.rawValue),
      ("page_init", setting.pageInit.rawValue), ("state", guest.state.name), ("list_order", guest.listOrder.rawValue),
      ("free", free), ("capture", capture), ("order", "\(order)"), ("load", load.rawValue), ("mutators", "\(mutators)"),
      ("cache", setting.cache.rawValue), ("host_ack_ns", "\(setting.hostAckNs)"),
    ]
    // Only where there is such a thing: what a cell was called before there was stays its name.
    if guest.movableShare > 0 { values.append(("movable", "\(guest.movableShare)")) }
    if let window = setting.windowNs { values.append(("window_ns", "\(window)")) }
    if experiment.card.clocks != [.real] { values.append(("clock", setting.clock.rawValue)) }
    if setting.clock == .virtual || experiment.card.migrates {
      values.append(("mutator_rate", "\(setting.mutatorRate)"))
    }
    if let bandwidth = setting.bandwidth { values.append(("bandwidth", "\(bandwidth)")) }
    if let limit = setting.downtimeLimitNs { values.append(("downtime_limit_ns", "\(limit)")) }
    if setting.exitNs > 0 { values.append(("exit_ns", "\(setting.exitNs)")) }
    if setting.scanners != .one { values.append(("scanners", setting.scanners.rawValue)) }
    if let node = setting.scanNode { values.append(("scan_node", "\(node)")) }
    if let node = guest.memoryNode { values.append(("memory_node", "\(node)")) }
    id = CellID.make(from: values)
  }

  public var experimentCard: ExperimentCard { experiment.card }
  public var pageInit: PageInit { setting.pageInit }
  public var cache: CacheState { setting.cache }
  public var hostAckNs: UInt64 { setting.hostAckNs }
}

extension Cell {
  /// Whether a repetition leaves the guest's lists in another state.
  var changesLists: Bool { strategy.card.effect != .readsOnly || load != .none }

  /// Whether times mean anything. Above granule 0 the preparation of freed blocks is gone, so that those of designs that
  /// take or return blocks, and of what mutators do, say nothing.
  var timesHold: Bool { guest.granuleOrder == 0 || !changesLists }
}

/// `--page-init`: whether the guest's kernel zeroes pages as it hands them out or takes them back.
public enum PageInit: String, Sendable, CaseIterable {
  case none, alloc, free
}

/// `--cache`: what a repetition finds in the caches.
public enum CacheState: String, Sendable, CaseIterable {
  case cold, warm
}

/// `--clock`: by which clock delays and acknowledgements pass.
public enum ExperimentClock: String, Sendable, CaseIterable {
  /// The machine's, with a thread for each mutator.
  case real
  /// One that is moved on from event to event on one thread: waits cost nothing, and what code takes isn't in it.
  case virtual
}
