import Delivery
import GuestMemory
import Instruments
import Records

/// The v8 thread's second answer (Michael Tsirkin, 2017): start iteration, do one step, end iteration. A step takes the
/// lock, returns `step` blocks and keeps the next one as the iterator's position. Never implemented; see
/// ``ResumableWalk``.
struct StepIterator: StrategyPasses {
  typealias Hooks = NoHooks

  static var allocatorUse: AllocatorUse { .readsLists }

  static let card = StrategyCard(
    name: "step-iterator", origin: "v8 thread, March 2017", summary: "an iterator over the lists, one step a hold",
    effect: .readsOnly, nativeOrder: 0, holdBound: "`step` entries",
    sideEffects: "none", limits: "restarts the list if its saved node is gone; gives up after `restarts` restarts",
    options: [
      DeclaredOption("step", .integer(1...4096), default: "1", "blocks per step", source: "v8 thread: do one step"),
      DeclaredOption(
        "restarts", .integer(0...1_000_000), default: "64", "maximum restarts of one list",
        source: "this project: it must end"),
    ])

  private let step: Int
  private let restarts: Int
  private var memory: (arena: HintArena, buffer: HintBuffer)?

  init(_ options: OptionValues) {
    step = options.integer("step")
    restarts = options.integer("restarts")
  }

  var bufferBytes: Int? { memory.map { $0.buffer.capacity * 8 } }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    if memory != nil { return }
    let bytes = max(65_536, (step + 1) * 16)
    let arena = try HintArena(bytes: bytes + 4096)
    memory = (arena, arena.buffer(bytes: bytes))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let buffer = memory?.buffer else { return .noBuffer }
    return ResumableWalk(buffer, perHold: step, restartsPerList: restarts).run(&cpu, &sink, &session)
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { step }
}
