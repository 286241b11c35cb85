import Delivery
import GuestMemory
import Instruments
import Records

@testable import Hinting

/// A strategy that takes blocks and reports them, and with `holds=no` frees the first before the host has acted on it.
struct CarelessTaker: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "careless-taker", origin: "test", summary: "takes blocks, and may let go of them",
    orders: .highestOnly, effect: .takesBlocks, holdBound: "one block", sideEffects: "as told", limits: "none",
    options: [DeclaredOption("holds", .choice(["yes", "no"]), default: "yes", "what is right", source: "test")])

  private let holds: Bool
  private var held: [UInt64] = []

  init(_ options: OptionValues) { holds = options.choice("holds") == "yes" }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    let order = cpu.core.highestOrder
    while let pfn = cpu.allocate(order: order, .freePageAlloc) {
      sink.didTake(pages: 1 << UInt64(order), initialized: true)
      _ = sink.report(Block(pfn: pfn, order: order))
      held.append(pfn)
      if !holds {
        // It would get the same block for ever.
        giveBack(&cpu, &sink, &session)
        return .complete
      }
    }
    return .complete
  }

  mutating func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) {
    let order = cpu.core.highestOrder
    for pfn in held {
      cpu.free(pfn: pfn, order: order)
      sink.didReturn(pages: 1 << UInt64(order))
    }
    held = []
  }
}
