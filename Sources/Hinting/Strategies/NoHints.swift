import Delivery
import GuestMemory
import Instruments
import Records

/// The control: a session that collects nothing.
struct NoHints: StrategyPasses {
  typealias Hooks = NoHooks

  static var allocatorUse: AllocatorUse { .readsLists }

  static let card = StrategyCard(
    name: "none", origin: "control", summary: "nothing is collected", reports: false, effect: .readsOnly,
    holdBound: "takes no lock", sideEffects: "none", limits: "none")

  init(_ options: OptionValues) {}

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome { .complete }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { 0 }
}
