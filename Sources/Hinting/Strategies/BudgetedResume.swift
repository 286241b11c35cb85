import Delivery
import GuestMemory
import Instruments
import Records

/// The v8 thread's first answer to long holds (Wei Wang, 2017): a budget of entries per hold, and the node to continue
/// from. Proposed in prose only, without code; see ``ResumableWalk`` for the consequences.
struct BudgetedResume: StrategyPasses {
  typealias Hooks = NoHooks

  static var allocatorUse: AllocatorUse { .readsLists }

  static let card = StrategyCard(
    name: "budgeted-resume", origin: "v8 thread, March 2017",
    summary: "looks at `budget` entries per hold and resumes where it stopped",
    effect: .readsOnly, nativeOrder: 0, holdBound: "`budget` entries",
    sideEffects: "none", limits: "restarts the list if its saved node is gone; gives up after `restarts` restarts",
    options: [
      DeclaredOption(
        "budget", .integer(1...1_000_000), default: "1000", "entries per hold", source: "v8 thread: budget=1000"),
      DeclaredOption(
        "restarts", .integer(0...1_000_000), default: "64", "maximum restarts of one list",
        source: "this project: it must end"),
      DeclaredOption(
        "check", .choice(["buddy", "null"]), default: "buddy",
        "whether the saved node is checked to be on its list, or only for a NULL next as proposed", source: "v8 thread"),
    ])

  private let budget: Int
  private let restarts: Int
  private let trustsNullTest: Bool
  private var memory: (arena: HintArena, buffer: HintBuffer)?

  init(_ options: OptionValues) {
    budget = options.integer("budget")
    restarts = options.integer("restarts")
    trustsNullTest = options.choice("check") == "null"
  }

  var bufferBytes: Int? { memory.map { $0.buffer.capacity * 8 } }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    if memory != nil { return }
    let bytes = max(65_536, (budget + 1) * 16)
    let arena = try HintArena(bytes: bytes + 4096)
    memory = (arena, arena.buffer(bytes: bytes))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let buffer = memory?.buffer else { return .noBuffer }
    return ResumableWalk(buffer, perHold: budget, restartsPerList: restarts, trustsNullTest: trustsNullTest)
      .run(&cpu, &sink, &session)
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { budget }
}
