/// The static description of a strategy, for listings, the report and the conformance suite.
public struct StrategyCard: Sendable {
  /// The orders a strategy supports.
  public enum Orders: Sendable, Equatable {
    /// The order of `--order` and above.
    case any
    /// Only the highest order, regardless of `--order`.
    case highestOnly
  }

  /// The strategy's effect on the allocator's state.
  public enum Effect: Sendable {
    /// Reads the lists and changes nothing.
    case readsOnly
    /// Takes a few blocks for its buffers and frees them.
    case takesBuffers
    /// Allocates the blocks it reports and frees them: most of free memory.
    case takesBlocks
    /// Takes a few blocks at a time off the lists and puts them back once the host has acted.
    case takesBatches
  }

  /// What starts a session.
  public enum Trigger: Sendable {
    /// The host's command.
    case command
    /// Frees, by a hook in the allocator.
    case frees
  }

  public let name: String
  /// The patch version and year, or the thread.
  public let origin: String
  public let summary: String
  /// Whether it tells the host of any memory; false for what strategies are held against.
  public let reports: Bool
  public let orders: Orders
  public let effect: Effect
  public let trigger: Trigger
  /// Whether it has hooks in the allocator, which cost those who allocate and free.
  public let hasHooks: Bool
  /// Whether a session that is stopped leaves lists in another order.
  public let reordersLists: Bool
  /// Whether it names free memory in blocks of the lowest order, whatever blocks that is free in.
  public let namesParts: Bool
  /// Whether how much it does in a hold depends on how long holds take, so that no two sessions need be the same.
  public let followsTime: Bool
  /// Whether it works on single pages, which a guest has at granule 0 only.
  public let needsSinglePages: Bool
  /// The lowest order that the published strategy used; nil: the highest order.
  public let nativeOrder: Int?
  /// The bound on one hold of zone->lock, as text.
  public let holdBound: String
  public let sideEffects: String
  public let limits: String
  public let options: [DeclaredOption]

  public init(
    name: String, origin: String, summary: String, reports: Bool = true, orders: Orders = .any, effect: Effect,
    trigger: Trigger = .command, hasHooks: Bool = false, reordersLists: Bool = false,
    namesParts: Bool = false, followsTime: Bool = false, needsSinglePages: Bool = false, nativeOrder: Int? = nil,
    holdBound: String,
    sideEffects: String, limits: String,
    options: [DeclaredOption] = []
  ) {
    self.name = name
    self.origin = origin
    self.summary = summary
    self.reports = reports
    self.orders = orders
    self.effect = effect
    self.trigger = trigger
    self.hasHooks = hasHooks || trigger == .frees
    self.reordersLists = reordersLists
    self.namesParts = namesParts
    self.followsTime = followsTime
    self.needsSinglePages = needsSinglePages
    self.nativeOrder = nativeOrder
    self.holdBound = holdBound
    self.sideEffects = sideEffects
    self.limits = limits
    self.options = options
  }

  /// Whether it is the control of an experiment: nothing happens.
  public var isControl: Bool { !reports && effect == .readsOnly }

  /// Whether the blocks it reports are off the free lists when it does; otherwise it names addresses that may be stale
  /// at once.
  public var takesWhatItReports: Bool { reports && (effect == .takesBlocks || effect == .takesBatches) }

  /// The name in messages.
  public var owner: String { "strategy '\(name)'" }
}
