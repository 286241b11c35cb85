/// Static description of a strategy, for listings, the report and the conformance suite.
public struct StrategyCard: Sendable {
  /// What its hints may be used for.
  public enum Goal: String, Sendable {
    /// Addresses that may be stale at once: right only under a dirty log.
    case migration
    /// Blocks the guest holds while the host acts: they may be discarded, too.
    case reclaim
    /// Collects nothing.
    case none
  }

  /// Which orders it can look at.
  public enum Orders: Sendable, Equatable {
    /// `--order` and everything above it.
    case any
    /// Blocks of the highest order only, whatever `--order` says.
    case highestOnly
  }

  /// What it does to the allocator's state.
  public enum Effect: Sendable {
    /// Reads the lists and changes nothing.
    case readsOnly
    /// Takes a few blocks for its buffers and gives them back.
    case takesBuffers
    /// Takes the blocks it reports through the allocator and gives them back: most of free memory.
    case takesBlocks
    /// Takes a few blocks at a time off the lists and puts them back as soon as the host has them.
    case takesBatches
  }

  /// What starts a session.
  public enum Trigger: Sendable {
    /// The host asks.
    case command
    /// Memory becomes free: it has hooks in the allocator.
    case frees
  }

  public let name: String
  /// Patch version and year, or thread.
  public let origin: String
  public let summary: String
  public let goal: Goal
  public let orders: Orders
  public let effect: Effect
  public let trigger: Trigger
  /// The lowest order the strategy itself looked at; nil: the highest order.
  public let nativeOrder: Int?
  /// The bound on one hold of zone->lock, as text.
  public let holdBound: String
  public let sideEffects: String
  public let limits: String
  public let options: [DeclaredOption]

  public init(
    name: String, origin: String, summary: String, goal: Goal, orders: Orders = .any, effect: Effect,
    trigger: Trigger = .command, nativeOrder: Int? = nil, holdBound: String, sideEffects: String, limits: String,
    options: [DeclaredOption] = []
  ) {
    self.name = name
    self.origin = origin
    self.summary = summary
    self.goal = goal
    self.orders = orders
    self.effect = effect
    self.trigger = trigger
    self.nativeOrder = nativeOrder
    self.holdBound = holdBound
    self.sideEffects = sideEffects
    self.limits = limits
    self.options = options
  }

  /// How messages call it.
  public var owner: String { "strategy '\(name)'" }
}
