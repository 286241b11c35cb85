import Delivery
import GuestMemory
import Instruments

extension StrategyPasses {
  mutating func speedPass(
    _ place: StrategyRunner.VirtualCPU, _ session: Session, _ queue: HintQueue, _ bracket: StrategyRunner.Bracket?
  ) -> SpeedPass {
    switch Self.compiled(for: place.core.kernel) {
    case .linux61: speedPass(place, session, queue, bracket, Linux6_1.self)
    case .linux612: speedPass(place, session, queue, bracket, Linux6_12.self)
    case .mainline: speedPass(place, session, queue, bracket, Mainline.self)
    }
  }

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
}
