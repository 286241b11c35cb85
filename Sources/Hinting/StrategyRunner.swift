import Delivery
import GuestMemory
import Instruments

/// Runs passes of one strategy. A class only for the state that lasts between them (buffers).
public final class StrategyRunner {
  private let prepareBody: (GuestCore, Int) throws(GuestError) -> Void
  private let speedBody: (GuestCPU<NoProbe>, Session, Bracket?) -> SpeedPass
  private let probedBody: (GuestCPU<HoldProbe>, Session, HintLog, () -> Void) -> ProbedPass
  private let limitBody: (GuestCore) -> Int?
  private let bufferBody: () -> Int?

  @inline(__always)
  init<S: HintStrategy>(_ strategy: S) {
    let state = State(strategy)
    prepareBody = { (core: GuestCore, order: Int) throws(GuestError) in
      try state.strategy.prepare(core, lowestOrder: order)
    }
    speedBody = { cpu, session, bracket in measureSpeed(&state.strategy, cpu, session, bracket) }
    probedBody = { cpu, session, log, atEnd in measureHolds(&state.strategy, cpu, session, log, atEnd) }
    limitBody = { core in state.strategy.itemsPerHoldLimit(core) }
    bufferBody = { state.strategy.bufferBytes }
  }

  private final class State<S: HintStrategy> {
    var strategy: S
    init(_ strategy: S) { self.strategy = strategy }
  }

  /// Untimed: what the driver does once.
  public func prepare(_ core: GuestCore, lowestOrder: Int) throws(GuestError) { try prepareBody(core, lowestOrder) }

  /// The pass with no probe at all. `bracket` is called right before and right after the session, for counters.
  public func speedPass(_ cpu: GuestCPU<NoProbe>, _ session: Session, bracket: Bracket? = nil) -> SpeedPass {
    speedBody(cpu, session, bracket)
  }

  /// The pass with the probe. `log` gets every hint; `atEnd` is called when the design has no more to say and still
  /// holds what it holds.
  public func probedPass(
    _ cpu: GuestCPU<HoldProbe>, _ session: Session, _ log: HintLog, atEnd: () -> Void = {}
  ) -> ProbedPass {
    probedBody(cpu, session, log, atEnd)
  }

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
  /// From the session's start until the design had no more to say; the time its memory took is part of it.
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

@inline(__always)
private func measureSpeed<S: HintStrategy>(
  _ strategy: inout S, _ start: GuestCPU<NoProbe>, _ startSession: Session, _ bracket: StrategyRunner.Bracket?
) -> SpeedPass {
  var cpu = start
  var session = startSession
  var sink = CountingSink()
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
    outcome: outcome, scanTicks: middle &- begin, returnTicks: end &- middle, cpuNanoseconds: cpuTimeUsed,
    bufferAllocTicks: session.bufferAllocTicks, bufferFreeTicks: session.bufferFreeTicks, restarts: session.restarts,
    kicks: sink.kicks, descriptors: sink.descriptors)
}

@inline(__always)
private func measureHolds<S: HintStrategy>(
  _ strategy: inout S, _ start: GuestCPU<HoldProbe>, _ startSession: Session, _ log: HintLog, _ atEnd: () -> Void
) -> ProbedPass {
  var cpu = start
  var session = startSession
  var sink = RecordingSink(log, cpu.core)
  cpu.probe.phase = .collect
  let outcome = strategy.collect(&cpu, &sink, &session)
  atEnd()
  cpu.probe.phase = .return
  strategy.giveBack(&cpu, &sink, &session)
  return ProbedPass(
    outcome: outcome, restarts: session.restarts, kicks: sink.kicks, descriptors: sink.descriptors,
    pagesWithheldMax: sink.pagesWithheldMax,
    byteSecondsWithheld: CycleClock.nanoseconds(fromTicks: 1) * sink.pageTicksWithheld * 4096 / 1e9,
    freePagesMin: sink.freePagesMin, pagesInitializedAtAlloc: sink.pagesInitializedAtAlloc,
    pagesReturned: sink.pagesReturned)
}
