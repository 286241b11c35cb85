import Delivery
import GuestMemory
import Instruments
import Records

/// Chooses for each zone between its lists and its heads in address order, and keeps holds to a promised length.
///
/// A list costs a cache miss for each free block, one after the other; address order costs a part of a miss for each block
/// of the zone, free or not. So a zone of which at least `dense` percent are free blocks is read by address (``PFNWalk``),
/// and one with less by its lists (``RotatingWalk``). How many blocks fit into the promised hold is measured as it goes.
struct Adaptive: StrategyPasses {
  typealias Hooks = NoHooks

  static var allocatorUse: AllocatorUse { .readsLists }

  static let card = StrategyCard(
    name: "adaptive", origin: "this project, 2026",
    summary: "lists where little is free, address order where much is; its batch follows a promised hold",
    effect: .readsOnly, reordersLists: true, followsTime: true,
    holdBound: "256 entries; as many as fit into `hold` by the holds so far",
    sideEffects: "rotates lists; once a list was gone round it stands as before",
    limits: "a single slow hold is seen only afterwards",
    options: [
      DeclaredOption(
        "hold", .integer(1...1_000_000), default: "5000", "length that a hold may have, in ns", source: "this project"),
      DeclaredOption(
        "dense", .integer(0...101), default: "10",
        "percent of a zone's possible blocks that are free, from which on it is read by address; 101: never",
        source: "this project"),
      .hintBuffer,
    ])

  /// As many blocks as fit into the promised hold: halved after a hold that was longer, one more after one that was
  /// shorter than three quarters of it.
  struct ByTime: RotatingWalk.Batch {
    let mostTicks: UInt64
    private(set) var blocks = Self.first

    static let first = 4
    static let most = 256

    init(mostTicks: UInt64) { self.mostTicks = mostTicks }

    @inline(__always)
    mutating func note(blocks: Int, ticks: UInt64) {
      if ticks > mostTicks {
        self.blocks = max(blocks / 2, 1)
      } else if blocks == self.blocks && ticks &* 4 < mostTicks &* 3 {
        self.blocks = min(blocks &+ 1, Self.most)
      }
    }
  }

  private let holdNanoseconds: Int
  private let dense: UInt64
  private let pages: Int
  private var memory: (arena: HintArena, buffer: HintBuffer)?

  init(_ options: OptionValues) {
    holdNanoseconds = options.integer("hold")
    dense = UInt64(options.integer("dense"))
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
    var batch = ByTime(mostTicks: UInt64(Double(holdNanoseconds) / CycleClock.nanosecondsPerTick))
    for index in session.zones(core) {
      let zone = core.zone(index)
      let isDone =
        isDense(core, zone, session.lowestOrder)
        ? PFNWalk.run(core, &sink, session.stop, zone, lowest: session.lowestOrder, ahead: 16, &pairs)
        : RotatingWalk.run(&cpu, &sink, session.stop, zone, lowest: session.lowestOrder, &pairs, &batch)
      if !isDone { return .stopped }
    }
    pairs.flush(&sink)
    return .complete
  }

  /// By the counters, without the lock.
  @inline(__always)
  private func isDense(_ core: GuestCore, _ zone: Zone, _ lowest: Int) -> Bool {
    var blocks: UInt64 = 0
    var order = lowest
    while order <= core.highestOrder {
      blocks &+= zone.blocksFreeUnlocked(order: order)
      order &+= 1
    }
    let possible = zone.spannedPages &>> UInt64(truncatingIfNeeded: max(lowest, core.granuleOrder))
    return blocks &* 100 >= possible &* dense
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { ByTime.most }
}
