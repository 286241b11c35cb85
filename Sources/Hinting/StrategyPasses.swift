import Delivery
import GuestMemory
import Instruments

/// What a ``StrategyRunner`` does with its strategy. The bodies are the same for all, and compiled for each.
///
/// A protocol, because a witness is compiled for the type that conforms. A generic class has one table of methods for
/// all its types, and what is called through it isn't compiled for any.
protocol StrategyPasses: HintStrategy {
  /// See ``StrategyRunner/speedPass(_:_:bracket:)``.
  mutating func speedPass(
    _ place: StrategyRunner.VirtualCPU, _ startSession: Session, _ queue: HintQueue, _ bracket: StrategyRunner.Bracket?
  ) -> SpeedPass

  /// See ``StrategyRunner/probedPass(_:_:_:_:atEnd:)``.
  mutating func probedPass(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ startSession: Session, _ log: HintLog,
    _ queue: HintQueue, _ atEnd: () -> Void
  ) -> ProbedPass

  /// See ``StrategyRunner/deliver(_:_:_:)``.
  mutating func deliver(
    _ place: StrategyRunner.VirtualCPU, _ startSession: Session, _ sink: inout DeliverySink
  ) -> DeliveryPass

  /// ``HintStrategy/work(_:_:_:)`` on that CPU, with the probe.
  mutating func probedWork(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink
  ) -> Outcome

  /// ``HintStrategy/giveBack(_:_:_:)`` on that CPU, with the probe.
  mutating func probedGiveBack(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink)

  /// A mutator on a guest with the strategy's hooks; probed where there is a log.
  ///
  /// - Throws: ``GuestError`` if the host refuses the address space.
  func mutator(_ guest: Guest, _ settings: MutatorSettings, _ log: HoldLog?) throws(GuestError) -> AnyMutator

  /// See ``StrategyRunner/rangeAllocator(_:cpu:)``.
  func rangeAllocator(_ guest: Guest, cpu: Int) -> AnyRangeAllocator

  /// See ``StrategyRunner/allocationLoop(_:cpu:)``.
  func allocationLoop(_ guest: Guest, cpu: Int) -> AllocationLoop
}

extension StrategyPasses {
  @inline(__always)
  private mutating func speedPass<Rules: KernelRules>(
    _ place: StrategyRunner.VirtualCPU, _ startSession: Session, _ queue: HintQueue, _ bracket: StrategyRunner.Bracket?,
    _ rules: Rules.Type
  ) -> SpeedPass {
    var cpu = GuestCPU(place.core, cpu: place.number, node: place.node, probe: NoProbe(), hooks: hooks, rules: rules)
    var session = startSession
    var sink = CountingSink(queue)
    bracket?.start()
    let cpuTime = ThreadCPUClock.nanoseconds()
    let begin = CycleClock.begin()
    let outcome = collect(&cpu, &sink, &session)
    let middle = CycleClock.end()
    giveBack(&cpu, &sink, &session)
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
  private mutating func probedPass<Rules: KernelRules>(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ startSession: Session, _ log: HintLog,
    _ queue: HintQueue, _ atEnd: () -> Void, _ rules: Rules.Type
  ) -> ProbedPass {
    var cpu = GuestCPU(place.core, cpu: place.number, node: place.node, probe: probe, hooks: hooks, rules: rules)
    var session = startSession
    var sink = RecordingSink(log, cpu.core, queue)
    cpu.probe.phase = .collect
    let begin = CycleClock.begin()
    let outcome = collect(&cpu, &sink, &session)
    let end = CycleClock.end()
    sink.pause()
    atEnd()
    sink.goOn()
    cpu.probe.phase = .return
    let returnBegin = CycleClock.begin()
    giveBack(&cpu, &sink, &session)
    let returnEnd = CycleClock.end()
    return ProbedPass(
      outcome: outcome, sessionTicks: (end &- begin) &+ (returnEnd &- returnBegin), restarts: session.restarts,
      kicks: sink.kicks, descriptors: sink.descriptors,
      pagesWithheldMax: sink.pagesWithheldMax, byteSecondsWithheld: sink.byteSecondsWithheld,
      freePagesMin: sink.freePagesMin, pagesInitializedAtAlloc: sink.pagesInitializedAtAlloc,
      pagesReturned: sink.pagesReturned)
  }

  @inline(__always)
  private mutating func deliver<Rules: KernelRules>(
    _ place: StrategyRunner.VirtualCPU, _ startSession: Session, _ sink: inout DeliverySink, _ rules: Rules.Type
  ) -> DeliveryPass {
    var cpu = GuestCPU(place.core, cpu: place.number, node: place.node, probe: NoProbe(), hooks: hooks, rules: rules)
    var session = startSession
    // Its own, so that the compiler knows who else may write to it: nobody.
    var own = sink
    let cpuTime = ThreadCPUClock.nanoseconds()
    let begin = CycleClock.begin()
    let outcome = collect(&cpu, &own, &session)
    let end = CycleClock.end()
    var cpuTimeUsed = ThreadCPUClock.nanoseconds() - cpuTime
    let isWhole = own.finish()
    let returning = ThreadCPUClock.nanoseconds()
    giveBack(&cpu, &own, &session)
    cpuTimeUsed += ThreadCPUClock.nanoseconds() - returning
    sink = own
    return DeliveryPass(
      outcome: outcome, beginTicks: begin, scanTicks: end &- begin, cpuNanoseconds: cpuTimeUsed, isWhole: isWhole)
  }

  @inline(__always)
  private mutating func probedWork<Rules: KernelRules>(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink,
    _ rules: Rules.Type
  ) -> Outcome {
    var cpu = GuestCPU(place.core, cpu: place.number, node: place.node, probe: probe, hooks: hooks, rules: rules)
    return work(&cpu, &sink, &session)
  }

  @inline(__always)
  private mutating func probedGiveBack<Rules: KernelRules>(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink,
    _ rules: Rules.Type
  ) {
    var cpu = GuestCPU(place.core, cpu: place.number, node: place.node, probe: probe, hooks: hooks, rules: rules)
    giveBack(&cpu, &sink, &session)
  }

}

// Which rules: the guest's; of a strategy that never calls the allocator 6.1's, so that it is compiled once.
extension StrategyPasses {
  mutating func speedPass(
    _ place: StrategyRunner.VirtualCPU, _ session: Session, _ queue: HintQueue, _ bracket: StrategyRunner.Bracket?
  ) -> SpeedPass {
    switch Self.callsAllocator ? place.core.kernel : .linux61 {
    case .linux61: speedPass(place, session, queue, bracket, Linux6_1.self)
    case .linux612: speedPass(place, session, queue, bracket, Linux6_12.self)
    case .mainline: speedPass(place, session, queue, bracket, Mainline.self)
    }
  }

  mutating func probedPass(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: Session, _ log: HintLog, _ queue: HintQueue,
    _ atEnd: () -> Void
  ) -> ProbedPass {
    switch Self.callsAllocator ? place.core.kernel : .linux61 {
    case .linux61: probedPass(place, probe, session, log, queue, atEnd, Linux6_1.self)
    case .linux612: probedPass(place, probe, session, log, queue, atEnd, Linux6_12.self)
    case .mainline: probedPass(place, probe, session, log, queue, atEnd, Mainline.self)
    }
  }

  mutating func deliver(
    _ place: StrategyRunner.VirtualCPU, _ session: Session, _ sink: inout DeliverySink
  ) -> DeliveryPass {
    switch Self.callsAllocator ? place.core.kernel : .linux61 {
    case .linux61: deliver(place, session, &sink, Linux6_1.self)
    case .linux612: deliver(place, session, &sink, Linux6_12.self)
    case .mainline: deliver(place, session, &sink, Mainline.self)
    }
  }

  mutating func probedWork(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink
  ) -> Outcome {
    switch Self.callsAllocator ? place.core.kernel : .linux61 {
    case .linux61: probedWork(place, probe, &session, &sink, Linux6_1.self)
    case .linux612: probedWork(place, probe, &session, &sink, Linux6_12.self)
    case .mainline: probedWork(place, probe, &session, &sink, Mainline.self)
    }
  }

  mutating func probedGiveBack(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink
  ) {
    switch Self.callsAllocator ? place.core.kernel : .linux61 {
    case .linux61: probedGiveBack(place, probe, &session, &sink, Linux6_1.self)
    case .linux612: probedGiveBack(place, probe, &session, &sink, Linux6_12.self)
    case .mainline: probedGiveBack(place, probe, &session, &sink, Mainline.self)
    }
  }

  func mutator(_ guest: Guest, _ settings: MutatorSettings, _ log: HoldLog?) throws(GuestError) -> AnyMutator {
    try StrategyRunner.mutator(guest, settings, log, hooks)
  }

  func rangeAllocator(_ guest: Guest, cpu: Int) -> AnyRangeAllocator {
    switch guest.geometry.kernel {
    case .linux61: AnyRangeAllocator(guest, cpu: cpu, hooks: hooks, rules: Linux6_1.self)
    case .linux612: AnyRangeAllocator(guest, cpu: cpu, hooks: hooks, rules: Linux6_12.self)
    case .mainline: AnyRangeAllocator(guest, cpu: cpu, hooks: hooks, rules: Mainline.self)
    }
  }

  func allocationLoop(_ guest: Guest, cpu: Int) -> AllocationLoop {
    switch guest.geometry.kernel {
    case .linux61: AllocationLoop(guest, cpu: cpu, hooks: hooks, rules: Linux6_1.self)
    case .linux612: AllocationLoop(guest, cpu: cpu, hooks: hooks, rules: Linux6_12.self)
    case .mainline: AllocationLoop(guest, cpu: cpu, hooks: hooks, rules: Mainline.self)
    }
  }
}
