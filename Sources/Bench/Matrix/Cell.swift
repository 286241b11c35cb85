import GuestMemory
import Hinting
import Records

/// One point of the matrix: an experiment and its options, a guest if it uses one, a strategy if it uses one.
public struct Cell: Sendable {
  public let id: String
  package let experiment: any Experiment.Type
  /// Values of the experiment's options, each worked out.
  public let options: OptionValues
  /// Of the guest. Bytes.
  public let guestBytes: UInt64
  /// Nil in an experiment that uses only the guest's size.
  public let modelledGuest: GuestSpec?
  /// Nil in an experiment without strategies.
  public let configuredStrategy: ConfiguredStrategy?
  /// The lowest order in force; the highest there is in an experiment without strategies.
  public let order: Int
  /// The host node of the scanner; nil: where the guest's first node is.
  public let scanNode: Int?
  /// More measured threads than the host has CPUs.
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
    oversubscribed = experiment.threads(options, nodes: guest?.nodes ?? 1) > hostCPUs

    var identity = CellIdentity(experiment.card, options)
    if let guest {
      identity.add(guest)
    } else {
      identity.set("guest_bytes", "\(guestBytes)")
    }
    if let strategy {
      identity.set("strategy", strategy.fullName)
      identity.set("order", "\(order)")
    }
    identity.set("scan_node", scanNode.map(String.init), implied: nil)
    id = identity.id
  }

  public var experimentCard: ExperimentCard { experiment.card }
  /// As in the column experiment_options.
  public var optionsText: String { experiment.card.text(options) }

  /// Only of experiments that use a modelled guest.
  public var guest: GuestSpec {
    guard let modelledGuest else { preconditionFailure("\(experiment.card.name) has no modelled guest") }
    return modelledGuest
  }

  /// Only of experiments with strategies.
  public var strategy: ConfiguredStrategy {
    guard let configuredStrategy else { preconditionFailure("\(experiment.card.name) has no strategies") }
    return configuredStrategy
  }

  /// As in the column; an experiment without strategies collects nothing.
  public var strategyName: String { configuredStrategy?.fullName ?? "none" }

  /// For people who wait.
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
  /// How long one measurement lasts. Nanoseconds. Only of experiments that have the option.
  package var windowNs: UInt64 { options.nanoseconds("window") }
}

extension Cell {
  /// Whether a repetition leaves the guest's lists in another state.
  package var changesLists: Bool {
    (configuredStrategy?.card.effect ?? .takesBlocks) != .readsOnly || load != .none
  }

  /// Whether times mean anything. Above granule 0 the preparation of freed blocks is gone, so that those of strategies
  /// that take or return blocks, and of what mutators do, say nothing.
  package var timesHold: Bool { (modelledGuest?.granuleOrder ?? 0) == 0 || !changesLists }

  /// Blocks of the lowest order looked at that the whole guest has, for estimates.
  var blocks: Double {
    Double(guestBytes >> 12) / Double(UInt64(1) << UInt64(max(order, modelledGuest?.granuleOrder ?? 0)))
  }
}

/// Whether the guest's kernel zeroes pages as it hands them out or takes them back.
public enum PageInit: String, Sendable, CaseIterable {
  case none, alloc, free
}

/// State of the caches before a session.
public enum CacheState: String, Sendable, CaseIterable {
  case cold, warm
}

/// By which clock delays and acknowledgements pass.
public enum ExperimentClock: String, Sendable, CaseIterable {
  /// The machine's, with a thread for each mutator.
  case real
  /// One that is moved on from event to event on one thread: waits cost nothing, and what code takes isn't in it.
  case virtual
}
