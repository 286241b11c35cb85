import Delivery
import Instruments
import Records

@testable import GuestMemory
@testable import Hinting

/// A strategy that takes blocks, waits for the host and only then lets others have them, right with `fault=none` and
/// otherwise wrong in one way.
struct FaultyHolder: StrategyPasses {
  typealias Hooks = NoHooks

  enum Fault: String, CaseIterable {
    case none
    /// Lists a block for the shrinker without waiting for the acknowledgement.
    case listsAtOnce = "lists-at-once"
    /// Waits, but the shrinker may take the block that is waited for.
    case shrinksPending = "shrinks-pending"
    /// Gives the block back before the report was used.
    case returnsEarly = "returns-early"
    /// Names a block that was never free.
    case namesUsed = "names-used"
  }

  static let card = StrategyCard(
    name: "faulty-holder", origin: "test", summary: "holds blocks wrongly", orders: .highestOnly, effect: .takesBlocks,
    holdBound: "one block", sideEffects: "as told", limits: "none",
    options: [
      DeclaredOption("fault", .choice(Fault.allCases.map(\.rawValue)), default: "none", "what is wrong", source: "test")
    ])

  private let fault: Fault
  private var memory: (words: SharedWords, arena: HintArena, held: HeldBlocks)?
  private var order = 0

  init(_ options: OptionValues) { fault = Fault(rawValue: options.choice("fault")) ?? .none }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    order = guest.highestOrder
    let bytes = 8 * (guest.zones.reduce(1) { $0 + Int($1.spannedPages >> UInt64(guest.highestOrder)) } + 1)
    let words = try SharedWords(count: HeldBlocks.wordCount)
    let arena = try HintArena(bytes: bytes)
    memory = (words, arena, HeldBlocks(words.view, arena.buffer(bytes: bytes)))
  }

  var shrinker: Shrinker? { memory.map { Shrinker($0.held, order: order) } }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let held = memory?.held else { return .noBuffer }
    if fault == .namesUsed {
      // The first block that was in use before, and is.
      for zone in cpu.core.zones {
        for pfn in stride(from: zone.startPFN, to: zone.endPFN, by: 1 << order) {
          let page = cpu.core.page(pfn)
          if !page.isBuddy { return sink.hint(Block(pfn: pfn, order: order)) ? .complete : .noBuffer }
        }
      }
      return .noBuffer
    }
    var early = 0
    while let pfn = cpu.allocate(order: order, .freePageAlloc) {
      let block = Block(pfn: pfn, order: order)
      guard sink.report(block) else {
        cpu.free(pfn: pfn, order: order)
        return .limit
      }
      switch fault {
      case .none, .namesUsed:
        _ = sink.waitUntilUsed()
        held.push(pfn)
      case .listsAtOnce: held.push(pfn)
      case .shrinksPending:
        held.push(pfn)
        _ = sink.waitUntilUsed()
      case .returnsEarly:
        cpu.free(pfn: pfn, order: order)
        _ = sink.waitUntilUsed()
        // It would get the same block for ever.
        early += 1
        if early == 16 { return .complete }
      }
    }
    return .complete
  }

  mutating func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) {
    while let pfn = memory?.held.pop() { cpu.free(pfn: pfn, order: order) }
  }
}
