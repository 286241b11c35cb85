import Instruments

/// A mutator, whatever probe and hooks it was compiled for. A call each burst goes through it, none inside one.
public protocol AnyMutator: AnyObject, Sendable {
  /// Up to 64 allocations or frees.
  func burst()
  /// Blocks it holds now. Only while it stands still.
  var blocks: [Block] { get }
  /// Takes `count` movable blocks of `order` and keeps them; how many it got. Not a part of the figures.
  func take(order: Int, count: Int) -> Int
  /// Gives everything back, the per-CPU lists' pages too. Only while it stands still.
  func giveBack()
  /// Forgets the figures so far. Only while it stands still.
  func resetFigures()
  /// Allocations and frees since. Only while it stands still.
  var operations: Int { get }
  /// What it did and suffered since. Only while it stands still.
  var figures: MutatorFigures { get }
}

/// What one or more mutators did and suffered.
public struct MutatorFigures: Sendable {
  /// Allocations and frees.
  public var operations = 0
  public var failed = 0
  /// Failed requests among those with GFP_ATOMIC's rights.
  public var failedAtomic = 0
  /// Latencies of allocations, those that failed included; empty where they weren't timed.
  public var allocations = DurationHistogram()
  /// Empty without a probe.
  public var holds = HoldHistograms()
  /// Nanoseconds.
  public var waitTotal = 0.0

  public init() {}

  public mutating func merge(_ other: MutatorFigures) {
    operations += other.operations
    failed += other.failed
    failedAtomic += other.failedAtomic
    allocations.merge(other.allocations)
    holds.merge(other.holds)
    waitTotal += other.waitTotal
  }
}

/// What makes one mutator of a group differ from the next.
public struct MutatorSettings: Sendable {
  public var load: MutatorLoad
  /// Its modelled CPU, which nobody else may use.
  public var cpu: Int
  /// Pages it holds at once, about.
  public var mostPages: Int
  public var seed: UInt64

  public init(load: MutatorLoad, cpu: Int, mostPages: Int, seed: UInt64) {
    self.load = load
    self.cpu = cpu
    self.mostPages = mostPages
    self.seed = seed
  }
}
