import Delivery
import GuestMemory
import Instruments
import Records

/// Bounded holds over the lists that never restart and never touch a stale node: ``RotatingWalk``.
struct RotatingCursor: StrategyPasses {
  typealias Hooks = NoHooks

  static var allocatorUse: AllocatorUse { .readsLists }

  static let card = StrategyCard(
    name: "rotating-cursor", origin: "this project, 2026",
    summary: "names `batch` blocks a hold and rotates the list, so that the next one leads",
    effect: .readsOnly, reordersLists: true, nativeOrder: 0, holdBound: "`batch` entries",
    sideEffects: "rotates lists; once a list was gone round it stands as before",
    limits: "a block that is taken and freed meanwhile may be named twice",
    options: [
      DeclaredOption(
        "batch", .integer(1...100_000), default: "32", "entries per hold", source: "this project"),
      .hintBuffer,
    ])

  private let batch: Int
  private let pages: Int
  private var memory: (arena: HintArena, buffer: HintBuffer)?

  init(_ options: OptionValues) {
    batch = options.integer("batch")
    pages = options.integer("buffer")
  }

  var bufferBytes: Int? { memory.map { $0.buffer.capacity * 8 } }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    if memory != nil { return }
    let bytes = max(pages * 4096, batch * 16)
    let arena = try HintArena(bytes: bytes)
    memory = (arena, arena.buffer(bytes: bytes))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let buffer = memory?.buffer else { return .noBuffer }
    let core = cpu.core
    var pairs = HintPairs(buffer)
    var batch = RotatingWalk.Fixed(blocks: batch)
    for zone in session.zones(core) {
      let isDone = RotatingWalk.run(
        &cpu, &sink, session.stop, core.zone(zone), lowest: session.lowestOrder, &pairs, &batch)
      if !isDone { return .stopped }
    }
    pairs.flush(&sink)
    return .complete
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { batch }
}
