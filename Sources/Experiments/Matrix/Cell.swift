import GuestMemory
import Hinting

/// One point of the matrix.
public struct Cell: Sendable {
  public var id: String
  public var experiment: String
  public var guest: GuestSpec
  public var strategy: ConfiguredStrategy
  /// The lowest order in force.
  public var order: Int
  public var pageInit: PageInit
  public var cache: CacheState
  public var load: MutatorLoad
  public var mutators: Int

  init(
    experiment: String, guest: GuestSpec, strategy: ConfiguredStrategy, order: Int, pageInit: PageInit,
    cache: CacheState,
    load: MutatorLoad, mutators: Int
  ) {
    self.experiment = experiment
    self.guest = guest
    self.strategy = strategy
    self.order = order
    self.pageInit = pageInit
    self.cache = cache
    self.load = load
    self.mutators = mutators
    var free: String?
    var capture: String?
    switch guest.state {
    case .fresh: break
    case .aged(let share): free = "\(share)"
    case .captured(let fingerprint): capture = fingerprint
    }
    id = CellID.make(from: [
      ("experiment", experiment), ("strategy", strategy.fullName), ("guest_bytes", "\(guest.bytes)"),
      ("nodes", "\(guest.nodes)"), ("cpus", "\(guest.cpus)"), ("granule_order", "\(guest.granuleOrder)"),
      ("vmemmap_page_bytes", "\(guest.vmemmapPage.rawValue)"), ("lock_kind", guest.lockKind.rawValue),
      ("page_init", pageInit.rawValue), ("state", guest.state.name), ("list_order", guest.listOrder.rawValue),
      ("free", free), ("capture", capture), ("order", "\(order)"), ("load", load.rawValue), ("mutators", "\(mutators)"),
      ("cache", cache.rawValue), ("host_ack_ns", "0"),
    ])
  }
}

extension Cell {
  /// Whether a repetition leaves the guest's lists in another state.
  var changesLists: Bool { strategy.card.effect != .readsOnly || load != .none }
}

/// `--page-init`: whether the guest's kernel zeroes pages as it hands them out or takes them back.
public enum PageInit: String, Sendable, CaseIterable {
  case none, alloc, free
}

/// `--cache`: what a repetition finds in the caches.
public enum CacheState: String, Sendable, CaseIterable {
  case cold, warm
}
