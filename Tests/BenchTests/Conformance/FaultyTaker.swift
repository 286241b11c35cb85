import Delivery
import Instruments
import Records

@testable import GuestMemory
@testable import Hinting

/// A strategy that takes blocks and reports them, right with `fault=none` and otherwise wrong in one way.
struct FaultyTaker: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "faulty-taker", origin: "test", summary: "takes blocks wrongly", orders: .highestOnly,
    effect: .takesBlocks, holdBound: "one block", sideEffects: "as told", limits: "none",
    options: [
      DeclaredOption(
        "fault",
        .choice([
          "ends-early", "none", "not-held", "twice", "keeps-one", "keeps-one-when-stopped", "silent", "movable",
          "frees-at-once", "halves", "spins-when-stopped",
        ]), default: "ends-early", "what is wrong", source: "test")
    ])

  private let fault: String
  private var held: [UInt64] = []
  private var wasStopped = false

  init(_ options: OptionValues) { fault = options.choice("fault") }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    let core = cpu.core
    let order = core.highestOrder
    if fault == "not-held", let page = core.zones.lazy.compactMap({ $0.freeList(order: order, .movable).first }).first {
      _ = sink.report(Block(pfn: core.pfn(page), order: order))
    }
    let flags: GFP = fault == "movable" ? [.movable, .highMem, .noMemAlloc] : .freePageAlloc
    wasStopped = false
    while true {
      if session.stop.isSet {
        wasStopped = true
        // Taking a block and giving it back is going on, though nothing is reported and nothing kept.
        for _ in 0..<(fault == "spins-when-stopped" ? 100 : 0) {
          guard let pfn = cpu.allocate(order: order, flags) else { break }
          sink.didTake(pages: 1 << UInt64(order), initialized: true)
          cpu.free(pfn: pfn, order: order)
          sink.didReturn(pages: 1 << UInt64(order))
        }
        return .stopped
      }
      guard let pfn = cpu.allocate(order: order, flags) else { return .complete }
      if fault != "silent" { sink.didTake(pages: 1 << UInt64(order), initialized: true) }
      _ = sink.report(Block(pfn: pfn, order: order))
      if fault == "twice" { _ = sink.report(Block(pfn: pfn, order: order)) }
      if fault == "frees-at-once" {
        cpu.free(pfn: pfn, order: order)
        sink.didReturn(pages: 1 << UInt64(order))
        // It would get the same block for ever.
        return .complete
      }
      held.append(pfn)
      if fault == "ends-early" { return .complete }
    }
  }

  mutating func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) {
    let order = cpu.core.highestOrder
    if fault == "keeps-one" || (fault == "keeps-one-when-stopped" && wasStopped) { held = Array(held.dropLast()) }
    for pfn in held {
      cpu.free(pfn: pfn, order: fault == "halves" ? order - 1 : order)
      if fault != "silent" { sink.didReturn(pages: 1 << UInt64(order)) }
    }
    held = []
  }
}
