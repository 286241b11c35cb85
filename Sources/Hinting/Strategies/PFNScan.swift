import Delivery
import GuestMemory
import Instruments
import Records

/// Names what heads a free block, in address order and without a lock: ``PFNWalk``.
struct PFNScan: StrategyPasses {
  typealias Hooks = NoHooks

  static var allocatorUse: AllocatorUse { .readsLists }

  static let card = StrategyCard(
    name: "pfn-scan", origin: "this project, 2026",
    summary: "reads every possible head in address order, as compaction's free scanner does, without the lock",
    effect: .readsOnly, holdBound: "takes no lock", sideEffects: "none",
    limits: "costs as much for what is in use as for what is free",
    options: [
      DeclaredOption(
        "ahead", .integer(0...1024), default: "16", "heads asked for before the one that is read",
        source: "this project"),
      .hintBuffer,
    ])

  private let ahead: Int
  private let pages: Int
  private var memory: (arena: HintArena, buffer: HintBuffer)?

  init(_ options: OptionValues) {
    ahead = options.integer("ahead")
    pages = options.integer("buffer")
  }

  var bufferBytes: Int? { memory.map { $0.buffer.capacity * 8 } }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    if memory != nil { return }
    let arena = try HintArena(bytes: pages * 4096)
    memory = (arena, arena.buffer(bytes: pages * 4096))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let buffer = memory?.buffer else { return .noBuffer }
    let core = cpu.core
    var pairs = HintPairs(buffer)
    for zone in session.zones(core) {
      let isDone = PFNWalk.run(
        core, &sink, session.stop, core.zone(zone), lowest: session.lowestOrder, ahead: ahead, &pairs)
      if !isDone { return .stopped }
    }
    pairs.flush(&sink)
    return .complete
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { 0 }
}
