import Delivery
import GuestMemory

extension StrategyPasses {
  mutating func forwarded(
    _ place: StrategyRunner.VirtualCPU, _ session: Session, _ receiver: any HintReceiver
  ) -> Outcome {
    switch Self.compiled(for: place.core.kernel) {
    case .linux61: forwarded(place, session, receiver, Linux6_1.self)
    case .linux612: forwarded(place, session, receiver, Linux6_12.self)
    case .mainline: forwarded(place, session, receiver, Mainline.self)
    }
  }

  @inline(__always)
  private mutating func forwarded<Rules: KernelRules>(
    _ place: StrategyRunner.VirtualCPU, _ startSession: Session, _ receiver: any HintReceiver, _ rules: Rules.Type
  ) -> Outcome {
    var cpu = GuestCPU(
      place.core, cpu: place.number, node: place.node, probe: ForwardingProbe(receiver), hooks: hooks, rules: rules)
    var session = startSession
    var sink = ForwardingSink(receiver)
    return collect(&cpu, &sink, &session)
  }

  mutating func forwardedGiveBack(
    _ place: StrategyRunner.VirtualCPU, _ session: Session, _ receiver: any HintReceiver
  ) {
    switch Self.compiled(for: place.core.kernel) {
    case .linux61: forwardedGiveBack(place, session, receiver, Linux6_1.self)
    case .linux612: forwardedGiveBack(place, session, receiver, Linux6_12.self)
    case .mainline: forwardedGiveBack(place, session, receiver, Mainline.self)
    }
  }

  @inline(__always)
  private mutating func forwardedGiveBack<Rules: KernelRules>(
    _ place: StrategyRunner.VirtualCPU, _ startSession: Session, _ receiver: any HintReceiver, _ rules: Rules.Type
  ) {
    var cpu = GuestCPU(
      place.core, cpu: place.number, node: place.node, probe: ForwardingProbe(receiver), hooks: hooks, rules: rules)
    var session = startSession
    var sink = ForwardingSink(receiver)
    giveBack(&cpu, &sink, &session)
  }
}
