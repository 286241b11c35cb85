import GuestMemory
import Hinting
import Records

/// One point of the matrix: an experiment and its options, with a guest and a strategy if it uses them.
public struct Cell: Sendable {
  public let id: String
  package let experiment: any Experiment.Type
  /// The values of the experiment's options, with `auto` resolved.
  public let options: OptionValues
  /// The guest's size. Bytes.
  public let guestBytes: UInt64
  /// The modelled guest; nil if the experiment uses only the guest's size.
  public let modelledGuest: GuestSpec?
  /// The strategy; nil in an experiment without strategies.
  public let configuredStrategy: ConfiguredStrategy?
  /// The lowest order in force; the highest order in an experiment without strategies.
  public let order: Int
  /// The scanner's host node; nil: the node of the guest's first node.
  public let scanNode: Int?
  /// The number of measured threads that run at once.
  public let threads: Int
  /// Whether there are more of them than host CPUs.
  public let oversubscribed: Bool

  init(
    _ experiment: any Experiment.Type, _ options: OptionValues, guestBytes: UInt64, guest: GuestSpec?,
    strategy: ConfiguredStrategy?, order: Int, scanNode: Int? = nil, hostCPUs: Int
  ) {
    self.experiment = experiment
    self.options = options
    self.guestBytes = guestBytes
    modelledGuest = guest
    configuredStrategy = strategy
    self.order = order
    self.scanNode = scanNode
    threads = experiment.threads(options, nodes: guest?.nodes ?? 1)
    oversubscribed = threads > hostCPUs

    var identity = CellIdentity(experiment.card, options)
    if let guest {
      identity.add(guest)
    } else {
      identity.set("guest_bytes", "\(guestBytes)")
    }
    if let strategy {
      identity.set("strategy", strategy.identityName)
      identity.set("order", "\(order)")
    }
    identity.set("scan_node", scanNode.map(String.init), implied: nil)
    id = identity.id
  }

  public var experimentCard: ExperimentCard { experiment.card }
  /// The options as in column experiment_options.
  public var optionsText: String { experiment.card.text(options) }

  /// The modelled guest. Traps if the experiment uses none.
  public var guest: GuestSpec {
    guard let modelledGuest else { preconditionFailure("\(experiment.card.name) has no modelled guest") }
    return modelledGuest
  }

  /// The strategy. Traps in an experiment without strategies.
  public var strategy: ConfiguredStrategy {
    guard let configuredStrategy else { preconditionFailure("\(experiment.card.name) has no strategies") }
    return configuredStrategy
  }

  /// The strategy's name as in its column; `none` in an experiment without strategies.
  public var strategyName: String { configuredStrategy?.fullName ?? "none" }

  /// The label on progress lines.
  var label: String {
    let names = [modelledGuest?.state.name, configuredStrategy?.card.name ?? experiment.card.name]
    return ([ByteSize(bytes: guestBytes).description] + names.compactMap { $0 }).joined(separator: " ")
  }

  public var load: MutatorLoad { options.load }
  public var mutators: Int { options.mutators }
  public var hostAckNs: UInt64 { options.hostAckNs }
  public var cache: CacheState { options.cache }
  public var pageInit: PageInit { options.pageInit }
  public var scanners: Scanners { options.scanners }
  public var clock: ExperimentClock { options.clock }
  /// The length of one measurement. Nanoseconds. Traps if the experiment lacks the option.
  package var windowNs: UInt64 { options.nanoseconds("window") }
}

extension Cell {
  /// Whether a repetition changes the state of the guest's lists.
  package var changesLists: Bool {
    (configuredStrategy?.card.effect ?? .takesBlocks) != .readsOnly || load != .none
  }

  /// Whether times are meaningful. Above granule 0 free_pages_prepare() does less work than in the kernel, so that
  /// times of strategies that take or return blocks, and of mutators, are meaningless.
  package var timesHold: Bool { (modelledGuest?.granuleOrder ?? 0) == 0 || !changesLists }

  /// The number of blocks of the lowest order in the whole guest, for estimates.
  var blocks: Double {
    Double(guestBytes / (modelledGuest?.pageSize ?? .small).bytes)
      / Double(UInt64(1) << UInt64(max(order, modelledGuest?.granuleOrder ?? 0)))
  }
}

/// When the guest's kernel zeroes pages: on allocation, on free or never.
public enum PageInit: String, Sendable, CaseIterable {
  case none, alloc, free

  /// Whether this kernel is thereby told to check struct pages (init_mem_debugging_and_hardening()); one that always
  /// checks them isn't.
  func tellsToCheckPages(_ kernel: KernelVersion) -> Bool { self != .none && kernel.checksPagesWhenTold }
}

/// State of the caches before a session.
public enum CacheState: String, Sendable, CaseIterable {
  case cold, warm
}

/// The clock that delays and acknowledgements run by.
public enum ExperimentClock: String, Sendable, CaseIterable {
  /// The machine's clock, with one thread per mutator.
  case real
  /// A clock that jumps from event to event on one thread: waits cost nothing, and the code's own run time isn't
  /// included.
  case virtual
}

/// `--placement`: the host nodes of the scanner and the guest's memory.
public enum Placement: String, Sendable, CaseIterable {
  /// The modelled nodes' memory on the host nodes in turn, the scanner on the first one's.
  case local
  /// One cell per pair of host nodes: all guest memory on one, the scanner on the other.
  case matrix
}

/// `--scanners`: the number of scanner threads.
public enum Scanners: String, Sendable, CaseIterable {
  /// One thread for the whole guest.
  case one
  /// One thread per modelled node, all at the same time.
  case perNode = "per-node"
}
