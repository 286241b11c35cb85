import Delivery
import GuestMemory
import Instruments

/// Runs passes of one strategy, and makes the mutators that run beside it. A class only for the state that lasts
/// between them (buffers).
public final class StrategyRunner {
  private let prepareBody: (GuestCore, Int) throws(GuestError) -> Void
  private let resetBody: (GuestCore) -> Void
  private let queueBody: () -> Int
  private let speedBody: (VirtualCPU, Session, HintQueue, Bracket?) -> SpeedPass
  private let probedBody: (VirtualCPU, HoldProbe, Session, HintLog, HintQueue, () -> Void) -> ProbedPass
  private let deliverBody: (VirtualCPU, Session, inout DeliverySink) -> DeliveryPass
  private let workBody: (VirtualCPU, HoldProbe, inout Session, inout RecordingSink) -> Outcome
  private let returnBody: (VirtualCPU, HoldProbe, inout Session, inout RecordingSink) -> Void
  private let requestedBody: () -> Bool
  private let knownBody: (Block, GuestCore) -> Bool
  private let delayBody: () -> UInt64
  private let limitBody: (GuestCore) -> Int?
  private let bufferBody: () -> Int?
  private let mutatorBody: (Guest, MutatorSettings, HoldLog?) throws(GuestError) -> AnyMutator
  private let rangeBody: (Guest, Int) -> AnyRangeAllocator
  private let loopBody: (Guest, Int) -> AllocationLoop

  @inline(__always)
  init<S: HintStrategy>(_ strategy: S) {
    let state = State(strategy)
    prepareBody = { (core: GuestCore, order: Int) throws(GuestError) in
      try state.strategy.prepare(core, lowestOrder: order)
    }
    resetBody = { core in state.strategy.reset(core) }
    queueBody = { state.strategy.queueSize }
    speedBody = { cpu, session, queue, bracket in measureSpeed(&state.strategy, cpu, session, queue, bracket) }
    probedBody = { cpu, probe, session, log, queue, atEnd in
      measureHolds(&state.strategy, cpu, probe, session, log, queue, atEnd)
    }
    deliverBody = { cpu, session, sink in measureDelivery(&state.strategy, cpu, session, &sink) }
    workBody = { cpu, probe, session, sink in
      var guestCPU = GuestCPU(cpu.core, cpu: cpu.number, node: cpu.node, probe: probe, hooks: state.strategy.hooks)
      return state.strategy.work(&guestCPU, &sink, &session)
    }
    returnBody = { cpu, probe, session, sink in
      var guestCPU = GuestCPU(cpu.core, cpu: cpu.number, node: cpu.node, probe: probe, hooks: state.strategy.hooks)
      state.strategy.giveBack(&guestCPU, &sink, &session)
    }
    requestedBody = { state.strategy.isWorkRequested }
    knownBody = { block, core in state.strategy.isKnownToHost(block, core) }
    delayBody = { state.strategy.workDelayNanoseconds }
    limitBody = { core in state.strategy.itemsPerHoldLimit(core) }
    bufferBody = { state.strategy.bufferBytes }
    mutatorBody = { (guest: Guest, settings: MutatorSettings, log: HoldLog?) throws(GuestError) in
      try makeMutator(guest, settings, log, state.strategy.hooks)
    }
    rangeBody = { guest, cpu in AnyRangeAllocator(guest, cpu: cpu, hooks: state.strategy.hooks) }
    loopBody = { guest, cpu in AllocationLoop(guest, cpu: cpu, hooks: state.strategy.hooks) }
  }

  private final class State<S: HintStrategy> {
    var strategy: S
    init(_ strategy: S) { self.strategy = strategy }
  }

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
    try prepareBody(core, lowestOrder)
    if device == nil {
      do throws(VirtqueueError) { device = try HintDevice(size: queueBody()) } catch {
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
  public func reset(_ core: GuestCore) { resetBody(core) }

  /// The pass with no probe at all. `bracket` is called right before and right after the session, for counters.
  public func speedPass(_ cpu: VirtualCPU, _ session: Session, bracket: Bracket? = nil) -> SpeedPass {
    speedBody(cpu, session, queue, bracket)
  }

  /// The pass with the probe. `log` gets every hint; `atEnd` is called when the strategy has no more to say and still
  /// holds what it holds.
  public func probedPass(
    _ cpu: VirtualCPU, _ probe: HoldProbe, _ session: Session, _ log: HintLog, atEnd: () -> Void = {}
  ) -> ProbedPass {
    probedBody(cpu, probe, session, log, queue, atEnd)
  }

  /// A session without a probe whose hints go to a host that acts on them. What the strategy holds it gives back when
  /// the host has acted on everything.
  public func deliver(_ cpu: VirtualCPU, _ session: Session, _ sink: inout DeliverySink) -> DeliveryPass {
    deliverBody(cpu, session, &sink)
  }

  /// One run of the work that a hook asked for. See ``HintStrategy/work(_:_:_:)``.
  public func work(
    _ cpu: VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink
  ) -> Outcome {
    workBody(cpu, probe, &session, &sink)
  }

  /// What the strategy has held since its last sessions goes back. See ``HintStrategy/giveBack(_:_:_:)``.
  public func giveBack(
    _ cpu: VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink
  ) {
    returnBody(cpu, probe, &session, &sink)
  }

  /// See ``HintStrategy/isWorkRequested``.
  public var isWorkRequested: Bool { requestedBody() }

  /// See ``HintStrategy/workDelayNanoseconds``.
  public var workDelayNanoseconds: UInt64 { delayBody() }

  /// See ``HintStrategy/isKnownToHost(_:_:)``.
  public func isKnownToHost(_ block: Block, _ core: GuestCore) -> Bool { knownBody(block, core) }

  /// A mutator on a guest with this strategy's hooks. Not probed it measures nothing but what it gets done.
  ///
  /// - Throws: ``GuestError`` or ``SystemCallError`` if the host refuses the address space.
  public func mutator(_ guest: Guest, _ settings: MutatorSettings, isProbed: Bool) throws -> AnyMutator {
    try mutatorBody(guest, settings, isProbed ? HoldLog(capacity: 1 << 24, phase: .mutator) : nil)
  }

  /// A mutator on a guest built without any strategy.
  public static func plainMutator(
    _ guest: Guest, _ settings: MutatorSettings, isProbed: Bool
  ) throws -> AnyMutator {
    try makeMutator(guest, settings, isProbed ? HoldLog(capacity: 1 << 24, phase: .mutator) : nil, NoHooks())
  }

  /// A CPU that wants ranges of pages, on a guest with this strategy's hooks.
  public func rangeAllocator(_ guest: Guest, cpu: Int) -> AnyRangeAllocator { rangeBody(guest, cpu) }

  /// A CPU that allocates and frees in loops, on a guest with this strategy's hooks, once prepared.
  public func allocationLoop(_ guest: Guest, cpu: Int) -> AllocationLoop { loopBody(guest, cpu) }

  /// See ``HintStrategy/bufferBytes``.
  public var bufferBytes: Int? { bufferBody() }

  /// See ``HintStrategy/itemsPerHoldLimit(_:)``.
  public func itemsPerHoldLimit(_ core: GuestCore) -> Int? { limitBody(core) }

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
  public var restarts: Int
  public var kicks: Int
  public var descriptors: Int
  public var pagesWithheldMax: UInt64
  /// Bytes off the lists times seconds.
  public var byteSecondsWithheld: Double
  /// Pages.
  public var freePagesMin: UInt64
  /// Pages that a kernel with init_on_alloc, or with init_on_free, would have zeroed.
  public var pagesInitializedAtAlloc: UInt64
  public var pagesReturned: UInt64
}

extension ProbedPass {
  /// Several threads' passes as one, at least one: added up, so that what was withheld at most is what it would be if
  /// each withheld its most at the same time; of free pages the least that any saw.
  public init(together passes: [ProbedPass]) {
    self = passes[0]
    outcome = passes.lazy.map(\.outcome).first { $0 != .complete } ?? .complete
    for pass in passes.dropFirst() {
      restarts += pass.restarts
      kicks += pass.kicks
      descriptors += pass.descriptors
      pagesWithheldMax += pass.pagesWithheldMax
      byteSecondsWithheld += pass.byteSecondsWithheld
      freePagesMin = min(freePagesMin, pass.freePagesMin)
      pagesInitializedAtAlloc += pass.pagesInitializedAtAlloc
      pagesReturned += pass.pagesReturned
    }
  }
}

@inline(__always)
private func measureSpeed<S: HintStrategy>(
  _ strategy: inout S, _ place: StrategyRunner.VirtualCPU, _ startSession: Session,
  _ queue: HintQueue, _ bracket: StrategyRunner.Bracket?
) -> SpeedPass {
  var cpu = GuestCPU(place.core, cpu: place.number, node: place.node, probe: NoProbe(), hooks: strategy.hooks)
  var session = startSession
  var sink = CountingSink(queue)
  bracket?.start()
  let cpuTime = ThreadCPUClock.nanoseconds()
  let begin = CycleClock.begin()
  let outcome = strategy.collect(&cpu, &sink, &session)
  let middle = CycleClock.end()
  strategy.giveBack(&cpu, &sink, &session)
  let end = CycleClock.end()
  let cpuTimeUsed = ThreadCPUClock.nanoseconds() - cpuTime
  bracket?.stop()
  return SpeedPass(
    outcome: outcome, beginTicks: begin, scanTicks: middle &- begin, returnTicks: end &- middle,
    cpuNanoseconds: cpuTimeUsed,
    bufferAllocTicks: session.bufferAllocTicks, bufferFreeTicks: session.bufferFreeTicks, restarts: session.restarts,
    kicks: sink.kicks, descriptors: sink.descriptors)
}

@inline(__always)
private func measureDelivery<S: HintStrategy>(
  _ strategy: inout S, _ place: StrategyRunner.VirtualCPU, _ startSession: Session, _ sink: inout DeliverySink
) -> DeliveryPass {
  var cpu = GuestCPU(place.core, cpu: place.number, node: place.node, probe: NoProbe(), hooks: strategy.hooks)
  var session = startSession
  // Its own, so that the compiler knows who else may write to it: nobody.
  var own = sink
  let cpuTime = ThreadCPUClock.nanoseconds()
  let begin = CycleClock.begin()
  let outcome = strategy.collect(&cpu, &own, &session)
  let end = CycleClock.end()
  var cpuTimeUsed = ThreadCPUClock.nanoseconds() - cpuTime
  let isWhole = own.finish()
  let returning = ThreadCPUClock.nanoseconds()
  strategy.giveBack(&cpu, &own, &session)
  cpuTimeUsed += ThreadCPUClock.nanoseconds() - returning
  sink = own
  return DeliveryPass(
    outcome: outcome, beginTicks: begin, scanTicks: end &- begin, cpuNanoseconds: cpuTimeUsed, isWhole: isWhole)
}

@inline(__always)
private func measureHolds<S: HintStrategy>(
  _ strategy: inout S, _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ startSession: Session,
  _ log: HintLog, _ queue: HintQueue, _ atEnd: () -> Void
) -> ProbedPass {
  var cpu = GuestCPU(place.core, cpu: place.number, node: place.node, probe: probe, hooks: strategy.hooks)
  var session = startSession
  var sink = RecordingSink(log, cpu.core, queue)
  cpu.probe.phase = .collect
  let outcome = strategy.collect(&cpu, &sink, &session)
  sink.pause()
  atEnd()
  sink.goOn()
  cpu.probe.phase = .return
  strategy.giveBack(&cpu, &sink, &session)
  return ProbedPass(
    outcome: outcome, restarts: session.restarts, kicks: sink.kicks, descriptors: sink.descriptors,
    pagesWithheldMax: sink.pagesWithheldMax, byteSecondsWithheld: sink.byteSecondsWithheld,
    freePagesMin: sink.freePagesMin, pagesInitializedAtAlloc: sink.pagesInitializedAtAlloc,
    pagesReturned: sink.pagesReturned)
}

@inline(__always)
private func makeMutator<Hooks: AllocatorHooks>(
  _ guest: Guest, _ settings: MutatorSettings, _ log: HoldLog?, _ hooks: Hooks
) throws(GuestError) -> AnyMutator {
  guard let log else {
    return AnyMutator(try Mutator(guest, settings, probe: NoProbe(), log: nil, hooks: hooks))
  }
  return AnyMutator(try Mutator(guest, settings, probe: log.probe(), log: log, hooks: hooks))
}
