import Instruments

/// A mutator with type-erased probe and hooks. Each burst is called through a closure, nothing within it. The closures
/// are created while the types are known: a generic class behind a protocol has one method table for all its types, so
/// its methods would be called unspecialised.
public final class AnyMutator: @unchecked Sendable {
  // Right to send: its thread uses it between start and stop; the group reads it afterwards.
  /// Its modelled CPU.
  public let cpu: Int
  private let prepareBody: () -> Void
  private let burstBody: () -> UInt64
  private let blocksBody: () -> [Block]
  private let takeBody: (Int, Int) -> Int
  private let exitBody: () -> Void
  private let giveBackBody: () -> Void
  private let tickBody: () -> Void
  private let touchesBody: ((Block) -> Void) -> Void
  private let operationsBody: () -> Int
  private let refusedBody: () -> Int
  private let figuresBody: () -> MutatorFigures

  @inlinable @inline(__always)
  public convenience init<Probe: LockProbe, Hooks: AllocatorHooks, Rules: KernelRules>(
    _ mutator: Mutator<Probe, Hooks, Rules>
  ) {
    self.init(
      cpu: mutator.cpu.cpu, prepare: { mutator.prepare() }, burst: { mutator.burst() }, blocks: { mutator.blocks },
      take: { mutator.take(order: $0, count: $1) }, exit: { mutator.exit() }, giveBack: { mutator.giveBack() },
      tick: { mutator.tick() }, touches: { mutator.takeTouches($0) },
      operations: { mutator.operations }, refused: { mutator.refused },
      figures: { mutator.figures })
  }

  @usableFromInline
  init(
    cpu: Int, prepare: @escaping () -> Void, burst: @escaping () -> UInt64, blocks: @escaping () -> [Block],
    take: @escaping (Int, Int) -> Int, exit: @escaping () -> Void,
    giveBack: @escaping () -> Void, tick: @escaping () -> Void, touches: @escaping ((Block) -> Void) -> Void,
    operations: @escaping () -> Int, refused: @escaping () -> Int,
    figures: @escaping () -> MutatorFigures
  ) {
    self.cpu = cpu
    prepareBody = prepare
    burstBody = burst
    blocksBody = blocks
    takeBody = take
    exitBody = exit
    giveBackBody = giveBack
    tickBody = tick
    touchesBody = touches
    operationsBody = operations
    refusedBody = refused
    figuresBody = figures
  }

  /// Prepares the mutator; call it on its thread before it runs. Touches the log, since a page fault or remote memory
  /// would otherwise show up in timed allocations.
  public func prepare() { prepareBody() }
  /// Performs up to 64 allocations or frees, or one exit of a process. Returns how long it rests after that: 0, or what
  /// its settings say where a process or a burst of its load has ended. Nanoseconds.
  @discardableResult
  public func burst() -> UInt64 { burstBody() }
  /// The blocks it holds now. Only while stopped.
  public var blocks: [Block] { blocksBody() }
  /// Allocates and keeps `count` movable blocks of `order`. Returns how many it got. Not included in the figures.
  public func take(order: Int, count: Int) -> Int { takeBody(order, count) }
  /// Frees everything as a process that exits: what the kernel leaves on its CPU's lists stays there. Only while stopped.
  public func exit() { exitBody() }
  /// Frees everything, the per-CPU lists' pages included. Only while stopped.
  public func giveBack() { giveBackBody() }
  /// The vmstat tick of its CPU, due once a second (vmstat_update()): the CPU's lists decay, see
  /// ``GuestCPU/decayPerCPULists()``. By its own thread, between bursts.
  public func tick() { tickBody() }
  /// Passes on the blocks it has got since the last call, each written by its user at once, and forgets them. None
  /// unless its settings ask for it. Only while stopped, or by its own thread.
  public func takeTouches(_ body: (Block) -> Void) { touchesBody(body) }
  /// Allocations, including refused ones, and frees so far. Only while stopped.
  public var operations: Int { operationsBody() }
  /// Refused allocations so far. Only while stopped.
  public var refused: Int { refusedBody() }
  /// The figures so far. Only while stopped.
  public var figures: MutatorFigures { figuresBody() }
}

/// The operations and latencies of one or more mutators.
public struct MutatorFigures: Sendable {
  public var failed = 0
  /// Refused requests among those with GFP_ATOMIC.
  public var failedAtomic = 0
  /// Latencies of allocations, refused ones included; empty if not timed.
  public var allocations = DurationHistogram()
  /// Empty without a probe.
  public var holds = HoldHistograms()
  /// The total wait for zone locks. Nanoseconds.
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

/// The settings that differ between the mutators of a group.
public struct MutatorSettings: Sendable {
  public var load: MutatorLoad
  /// Its modelled CPU, which no other thread may use.
  public var cpu: Int
  /// The approximate number of pages it holds at once.
  public var mostPages: Int
  public var seed: UInt64
  /// How long it rests after each process or burst, if its load has such an end. Nanoseconds.
  public var restNanoseconds: UInt64
  /// Whether it keeps what ``AnyMutator/takeTouches(_:)`` passes on.
  public var notesTouches: Bool
  /// Without a probe: times one allocation of this many; 0: none. With one, all are timed.
  public var timedOneOf: Int

  public init(
    load: MutatorLoad, cpu: Int, mostPages: Int, seed: UInt64, restNanoseconds: UInt64 = 0, notesTouches: Bool = false,
    timedOneOf: Int = 0
  ) {
    self.load = load
    self.cpu = cpu
    self.mostPages = mostPages
    self.seed = seed
    self.restNanoseconds = restNanoseconds
    self.notesTouches = notesTouches
    self.timedOneOf = timedOneOf
  }
}
