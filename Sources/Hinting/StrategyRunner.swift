import Delivery
import GuestMemory
import Instruments

/// Runs passes of one strategy, and makes the mutators that run beside it. A class only for the state that lasts
/// between them (buffers).
public final class StrategyRunner {
  private var strategy: any StrategyPasses

  init(_ strategy: any StrategyPasses) { self.strategy = strategy }

  /// The modelled CPU a pass runs on.
  public struct VirtualCPU: Sendable {
    public var core: GuestCore
    public var number: Int
    public var node: Int

    /// - Parameter number: of the CPU in the guest; its node is the guest's affair.
    public init(_ guest: Guest, number: Int = 0) {
      core = guest.core
      self.number = number
      node = guest.geometry.node(ofCPU: number)
    }
  }

  /// Untimed: what the driver does once.
  public func prepare(_ core: GuestCore, lowestOrder: Int) throws(GuestError) {
    try strategy.prepare(core, lowestOrder: lowestOrder)
    if device == nil {
      do throws(VirtqueueError) { device = try HintDevice(size: strategy.queueSize) } catch {
        switch error {
        case .cannotReserve(let bytes): throw .cannotReserve(bytes: UInt64(bytes))
        case .badSize: preconditionFailure("a strategy's queue: \(error)")
        }
      }
    }
  }

  private var device: HintDevice?

  /// The driver's end of the strategy's queue, once prepared. Valid until the host changes.
  public var queue: HintQueue {
    guard let device else { preconditionFailure("the strategy isn't prepared") }
    return device.driver
  }

  /// Lets a thread be the host from here on, instead of one that costs nothing and is done at once.
  ///
  /// - Throws: ``SystemCallError`` if it can't be pinned.
  public func startHost(ackNanoseconds: UInt64, cpu: Int?) throws {
    try device?.startHost(ackNanoseconds: ackNanoseconds, cpu: cpu)
  }

  /// What it saw; nil if there was none.
  @discardableResult
  public func stopHost() -> HostFigures? { device?.stopHost() }

  /// Untimed: after each restore, before each session. See ``HintStrategy/reset(_:)``.
  public func reset(_ core: GuestCore) { strategy.reset(core) }

  /// The pass with no probe at all. `bracket` is called right before and right after the session, for counters.
  public func speedPass(_ cpu: VirtualCPU, _ session: Session, bracket: Bracket? = nil) -> SpeedPass {
    strategy.speedPass(cpu, session, queue, bracket)
  }

  /// The pass with the probe. `log` gets every hint; `atEnd` is called when the strategy has no more to say and still
  /// holds what it holds.
  public func probedPass(
    _ cpu: VirtualCPU, _ probe: HoldProbe, _ session: Session, _ log: HintLog, atEnd: () -> Void = {}
  ) -> ProbedPass {
    strategy.probedPass(cpu, probe, session, log, queue, atEnd)
  }

  /// A session without a probe whose hints go to a host that acts on them. What the strategy holds it gives back when
  /// the host has acted on everything.
  public func deliver(_ cpu: VirtualCPU, _ session: Session, _ sink: inout DeliverySink) -> DeliveryPass {
    strategy.deliver(cpu, session, &sink)
  }

  /// A session whose every call goes to `receiver`, which lets others act in between. They must not use this runner
  /// meanwhile: what they need of it, ``shrinker`` and ``allocator(_:cpu:)``, they get before.
  public func forward(_ cpu: VirtualCPU, _ session: Session, to receiver: any HintReceiver) -> Outcome {
    strategy.forwarded(cpu, session, receiver)
  }

  /// What the strategy has held since its last sessions goes back, each call to `receiver`.
  public func giveBack(_ cpu: VirtualCPU, _ session: Session, to receiver: any HintReceiver) {
    strategy.forwardedGiveBack(cpu, session, receiver)
  }

  /// See ``HintStrategy/shrinker``.
  public var shrinker: Shrinker? { strategy.shrinker }

  /// One run of the work that a hook asked for. See ``HintStrategy/work(_:_:_:)``.
  public func work(
    _ cpu: VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink
  ) -> Outcome {
    strategy.probedWork(cpu, probe, &session, &sink)
  }

  /// What the strategy has held since its last sessions goes back. See ``HintStrategy/giveBack(_:_:_:)``.
  public func giveBack(
    _ cpu: VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink
  ) {
    strategy.probedGiveBack(cpu, probe, &session, &sink)
  }

  /// See ``HintStrategy/isWorkRequested``.
  public var isWorkRequested: Bool { strategy.isWorkRequested }

  /// See ``HintStrategy/workDelayNanoseconds``.
  public var workDelayNanoseconds: UInt64 { strategy.workDelayNanoseconds }

  /// See ``HintStrategy/isKnownToHost(_:_:)``.
  public func isKnownToHost(_ block: Block, _ core: GuestCore) -> Bool { strategy.isKnownToHost(block, core) }

  /// A mutator on a guest with this strategy's hooks. Not probed it measures nothing but what it gets done.
  ///
  /// - Throws: ``GuestError`` or ``SystemCallError`` if the host refuses the address space.
  public func mutator(_ guest: Guest, _ settings: MutatorSettings, isProbed: Bool) throws -> AnyMutator {
    try strategy.mutator(guest, settings, isProbed ? HoldLog(capacity: 1 << 24, phase: .mutator) : nil)
  }

  /// A mutator on a guest built without any strategy.
  public static func plainMutator(
    _ guest: Guest, _ settings: MutatorSettings, isProbed: Bool
  ) throws -> AnyMutator {
    try mutator(guest, settings, isProbed ? HoldLog(capacity: 1 << 24, phase: .mutator) : nil, NoHooks())
  }

  @inline(__always)
  static func mutator<Hooks: AllocatorHooks>(
    _ guest: Guest, _ settings: MutatorSettings, _ log: HoldLog?, _ hooks: Hooks
  ) throws(GuestError) -> AnyMutator {
    switch guest.geometry.kernel {
    case .linux61: try mutator(guest, settings, log, hooks, Linux6_1.self)
    case .linux612: try mutator(guest, settings, log, hooks, Linux6_12.self)
    case .mainline: try mutator(guest, settings, log, hooks, Mainline.self)
    }
  }

  @inline(__always)
  private static func mutator<Hooks: AllocatorHooks, Rules: KernelRules>(
    _ guest: Guest, _ settings: MutatorSettings, _ log: HoldLog?, _ hooks: Hooks, _ rules: Rules.Type
  ) throws(GuestError) -> AnyMutator {
    guard let log else {
      return AnyMutator(try Mutator(guest, settings, probe: NoProbe(), log: nil, hooks: hooks, rules: rules))
    }
    return AnyMutator(try Mutator(guest, settings, probe: log.probe(), log: log, hooks: hooks, rules: rules))
  }

  /// A CPU that wants ranges of pages, on a guest with this strategy's hooks.
  public func rangeAllocator(_ guest: Guest, cpu: Int) -> AnyRangeAllocator { strategy.rangeAllocator(guest, cpu: cpu) }

  /// A CPU that allocates and frees single blocks, on a guest with this strategy's hooks, once prepared.
  public func allocator(_ guest: Guest, cpu: Int) -> AnyAllocator { strategy.allocator(guest, cpu: cpu) }

  /// A CPU that allocates and frees in loops, on a guest with this strategy's hooks, once prepared.
  public func allocationLoop(_ guest: Guest, cpu: Int) -> AllocationLoop { strategy.allocationLoop(guest, cpu: cpu) }

  /// See ``HintStrategy/bufferBytes``.
  public var bufferBytes: Int? { strategy.bufferBytes }

  /// See ``HintStrategy/itemsPerHoldLimit(_:)``.
  public func itemsPerHoldLimit(_ core: GuestCore) -> Int? { strategy.itemsPerHoldLimit(core) }

  /// What surrounds the measured region of a speed pass.
  public struct Bracket {
    public let start: () -> Void
    public let stop: () -> Void

    public init(start: @escaping () -> Void, stop: @escaping () -> Void) {
      self.start = start
      self.stop = stop
    }
  }
}

/// What a pass without a probe found.
public struct SpeedPass: Sendable {
  public var outcome: Outcome
  /// The session's start, by the cycle clock.
  public var beginTicks: UInt64
  /// From the session's start until the strategy had no more to say; the time its memory took is part of it.
  public var scanTicks: UInt64
  /// Giving back what it held.
  public var returnTicks: UInt64
  /// CPU time of the thread, return included. Nanoseconds.
  public var cpuNanoseconds: UInt64
  public var bufferAllocTicks: UInt64
  public var bufferFreeTicks: UInt64
  public var restarts: Int
  public var kicks: Int
  public var descriptors: Int
}

extension SpeedPass {
  /// Several threads' passes as one, at least one: from the first start to the last end; of giving back, and of getting
  /// and losing buffers, the longest; CPU time and counts added up. The outcome is the first that isn't complete. Their
  /// clocks are one: a TSC that the CPUs of a machine share.
  public init(together passes: [SpeedPass]) {
    self = passes[0]
    outcome = passes.lazy.map(\.outcome).first { $0 != .complete } ?? .complete
    beginTicks = passes.map(\.beginTicks).min() ?? 0
    let end = passes.map { $0.beginTicks &+ $0.scanTicks }.max() ?? 0
    scanTicks = end &- beginTicks
    returnTicks = passes.map(\.returnTicks).max() ?? 0
    bufferAllocTicks = passes.map(\.bufferAllocTicks).max() ?? 0
    bufferFreeTicks = passes.map(\.bufferFreeTicks).max() ?? 0
    for pass in passes.dropFirst() {
      cpuNanoseconds += pass.cpuNanoseconds
      restarts += pass.restarts
      kicks += pass.kicks
      descriptors += pass.descriptors
    }
  }
}

/// What a session came to whose hints went to a host, beside what sink and host counted.
public struct DeliveryPass: Sendable {
  public var outcome: Outcome
  /// The session's start, by the cycle clock.
  public var beginTicks: UInt64
  /// From there until the strategy had no more to say.
  public var scanTicks: UInt64
  /// CPU time of the thread, return included, but for the wait until the host had acted on the last hint. Nanoseconds.
  public var cpuNanoseconds: UInt64
  /// Whether the host gave everything back.
  public var isWhole: Bool
}

/// What a pass with the probe found, beside what the probe and the hint log hold.
public struct ProbedPass: Sendable {
  public var outcome: Outcome
  /// From the session's start until it had returned everything, without what was done at its end; by the cycle clock.
  public var sessionTicks: UInt64
  public var restarts: Int
  public var kicks: Int
  public var descriptors: Int
  public var pagesWithheldMax: UInt64
  /// Bytes off the lists times seconds.
  public var pageSecondsWithheld: Double
  /// Pages.
  public var freePagesMin: UInt64
  /// Pages that a kernel with init_on_alloc, or with init_on_free, would have zeroed.
  public var pagesInitializedAtAlloc: UInt64
  public var pagesReturned: UInt64
}

extension ProbedPass {
  /// Several threads' passes as one, at least one: added up, so that what was withheld at most is what it would be if
  /// each withheld its most at the same time; of free pages the least that any saw; the longest session.
  public init(together passes: [ProbedPass]) {
    self = passes[0]
    outcome = passes.lazy.map(\.outcome).first { $0 != .complete } ?? .complete
    for pass in passes.dropFirst() {
      sessionTicks = max(sessionTicks, pass.sessionTicks)
      restarts += pass.restarts
      kicks += pass.kicks
      descriptors += pass.descriptors
      pagesWithheldMax += pass.pagesWithheldMax
      pageSecondsWithheld += pass.pageSecondsWithheld
      freePagesMin = min(freePagesMin, pass.freePagesMin)
      pagesInitializedAtAlloc += pass.pagesInitializedAtAlloc
      pagesReturned += pass.pagesReturned
    }
  }
}
