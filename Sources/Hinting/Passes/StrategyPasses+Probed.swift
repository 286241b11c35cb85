import Delivery
import GuestMemory
import Instruments

extension StrategyPasses {
  mutating func probedPass(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: Session, _ log: HintLog, _ queue: HintQueue,
    _ atEnd: () -> Void
  ) -> ProbedPass {
    switch Self.compiled(for: place.core.kernel) {
    case .linux61: probedPass(place, probe, session, log, queue, atEnd, Linux6_1.self)
    case .linux612: probedPass(place, probe, session, log, queue, atEnd, Linux6_12.self)
    case .mainline: probedPass(place, probe, session, log, queue, atEnd, Mainline.self)
    }
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
      pagesWithheldMax: sink.pagesWithheldMax, pageSecondsWithheld: sink.pageSecondsWithheld,
      freePagesMin: sink.freePagesMin, pagesInitializedAtAlloc: sink.pagesInitializedAtAlloc,
      pagesReturned: sink.pagesReturned)
  }

  mutating func probedWork(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink
  ) -> Outcome {
    switch Self.compiled(for: place.core.kernel) {
    case .linux61: probedWork(place, probe, &session, &sink, Linux6_1.self)
    case .linux612: probedWork(place, probe, &session, &sink, Linux6_12.self)
    case .mainline: probedWork(place, probe, &session, &sink, Mainline.self)
    }
  }

  @inline(__always)
  private mutating func probedWork<Rules: KernelRules>(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink,
    _ rules: Rules.Type
  ) -> Outcome {
    var cpu = GuestCPU(place.core, cpu: place.number, node: place.node, probe: probe, hooks: hooks, rules: rules)
    return work(&cpu, &sink, &session)
  }

  mutating func probedGiveBack(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink
  ) {
    switch Self.compiled(for: place.core.kernel) {
    case .linux61: probedGiveBack(place, probe, &session, &sink, Linux6_1.self)
    case .linux612: probedGiveBack(place, probe, &session, &sink, Linux6_12.self)
    case .mainline: probedGiveBack(place, probe, &session, &sink, Mainline.self)
    }
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
