import Instruments

/// A mutator, whatever probe and hooks it was compiled for. A call each burst goes through a closure, none inside one:
/// closures made where the types are known, since a generic class behind a protocol has one table of methods for all
/// its types, so that they would be called unspecialised.
public final class AnyMutator: @unchecked Sendable {
  // Right to send: its thread has it to itself between start and stop; the group reads it after.
  private let prepareBody: () -> Void
  private let burstBody: () -> Void
  private let blocksBody: () -> [Block]
  private let takeBody: (Int, Int) -> Int
  private let giveBackBody: () -> Void
  private let operationsBody: () -> Int
  private let refusedBody: () -> Int
  private let figuresBody: () -> MutatorFigures

  @inlinable @inline(__always)
  public convenience init<Probe: LockProbe, Hooks: AllocatorHooks>(_ mutator: Mutator<Probe, Hooks>) {
    self.init(
      prepare: { mutator.prepare() }, burst: { mutator.burst() }, blocks: { mutator.blocks },
      take: { mutator.take(order: $0, count: $1) }, giveBack: { mutator.giveBack() },
      operations: { mutator.operations }, refused: { mutator.refused },
      figures: { mutator.figures })
  }

  @usableFromInline
  init(
    prepare: @escaping () -> Void, burst: @escaping () -> Void, blocks: @escaping () -> [Block],
    take: @escaping (Int, Int) -> Int,
    giveBack: @escaping () -> Void, operations: @escaping () -> Int, refused: @escaping () -> Int,
    figures: @escaping () -> MutatorFigures
  ) {
    prepareBody = prepare
    burstBody = burst
    blocksBody = blocks
    takeBody = take
    giveBackBody = giveBack
    operationsBody = operations
    refusedBody = refused
    figuresBody = figures
  }

  /// To be called on its thread before it runs: it writes to its log while an allocation is timed, and a page that
  /// isn't there yet would be a fault in that, or memory of another node.
  public func prepare() { prepareBody() }
  /// Up to 64 allocations or frees.
  public func burst() { burstBody() }
  /// Blocks it holds now. Only while it stands still.
  public var blocks: [Block] { blocksBody() }
  /// Takes `count` movable blocks of `order` and keeps them; how many it got. Not a part of the figures.
  public func take(order: Int, count: Int) -> Int { takeBody(order, count) }
  /// Gives everything back, the per-CPU lists' pages too. Only while it stands still.
  public func giveBack() { giveBackBody() }
  /// Allocations, refused ones included, and frees so far. Only while it stands still.
  public var operations: Int { operationsBody() }
  /// Allocations so far that were refused. Only while it stands still.
  public var refused: Int { refusedBody() }
  /// What it did and suffered so far. Only while it stands still.
  public var figures: MutatorFigures { figuresBody() }
}

/// What one or more mutators did and suffered.
public struct MutatorFigures: Sendable {
  public var failed = 0
  /// Failed requests among those with GFP_ATOMIC's rights.
  public var failedAtomic = 0
  /// Latencies of allocations, those that failed included; empty if they weren't timed.
  public var allocations = DurationHistogram()
  /// Empty without a probe.
  public var holds = HoldHistograms()
  /// Nanoseconds.
  public var waitTotal = 0.0

  public init() {}

  public mutating func merge(_ other: MutatorFigures) {
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
  /// Its modelled CPU, which no other thread may use.
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
