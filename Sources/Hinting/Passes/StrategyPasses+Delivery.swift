import Delivery
import GuestMemory
import Instruments

extension StrategyPasses {
  mutating func deliver(
    _ place: StrategyRunner.VirtualCPU, _ session: Session, _ sink: inout DeliverySink
  ) -> DeliveryPass {
    switch Self.compiled(for: place.core.kernel) {
    case .linux61: deliver(place, session, &sink, Linux6_1.self)
    case .linux612: deliver(place, session, &sink, Linux6_12.self)
    case .mainline: deliver(place, session, &sink, Mainline.self)
    }
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
}
