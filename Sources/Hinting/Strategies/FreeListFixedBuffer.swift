import Delivery
import GuestMemory
import Instruments
import Records

/// v33 (June 2018): copies the addresses of the highest order's blocks into 16 pages allocated at probe; blocks that
/// don't fit aren't reported.
///
/// The whole 64 KiB is sent as one descriptor with one kick: a header of le32 count and le32 bytes a hint, then le64
/// addresses. That leaves room for 8191 of them: 32 GiB less 4 MiB. The strategy handles one order; below the highest
/// it is called once more for each order, with the same buffer.
struct FreeListFixedBuffer: StrategyPasses {
  typealias Hooks = NoHooks

  static var allocatorUse: AllocatorUse { .readsLists }

  static let card = StrategyCard(
    name: "free-list-fixed-buffer", origin: "v33, June 2018", summary: "addresses of the largest blocks into 16 pages",
    effect: .readsOnly, holdBound: "one zone: its lists of one order, at most 8191 entries",
    sideEffects: "none", limits: "8191 hints, 32 GiB - 4 MiB at the highest order")

  /// FREE_PAGE_HINT_MEM_SIZE, in pages.
  static let bufferPages = 16
  /// The most hints after the 8-byte header.
  static func hints(_ guest: GuestCore) -> Int { (bufferPages << guest.pageShift - 8) / 8 }

  private var memory: (arena: HintArena, buffer: HintBuffer)?

  init(_ options: OptionValues) {}

  var bufferBytes: Int? { memory.map { $0.buffer.capacity * 8 } }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    if memory != nil { return }
    let bytes = Self.bufferPages << guest.pageShift
    let arena = try HintArena(bytes: bytes)
    memory = (arena, arena.buffer(bytes: bytes))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let buffer = memory?.buffer else { return .noBuffer }
    return copyLists(&cpu, &sink, session, buffer, limit: buffer.capacity &- 1)
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { Self.hints(guest) }
}

/// Runs a session with one buffer: copies the blocks of all zones, order by order downward, up to `limit` hints, and
/// sends each order with one kick.
@inline(__always)
func copyLists<Probe: LockProbe, Hooks: AllocatorHooks, Sink: HintSink, Rules: KernelRules>(
  _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: Session, _ buffer: HintBuffer, limit: Int
) -> Outcome {
  let core = cpu.core
  let zones = session.zones(core)
  var outcome = Outcome.complete
  var order = core.highestOrder
  while order >= session.lowestOrder {
    var count = 0
    var full = false
    for zone in zones where !full {
      if session.stop.isSet { return .stopped }
      full = copyList(&cpu, core.zone(zone), order, buffer, limit: limit, &count)
    }
    if full { outcome = .limit }
    sink.send(buffer, words: count, .address(order: order), descriptors: 1)
    order &-= 1
  }
  return outcome
}

/// get_from_free_page_list() for one zone: copies the addresses of its blocks of `order` into `buffer` from `count` on.
/// Returns true if `limit` was reached with blocks left.
@inline(__always)
func copyList<Probe: LockProbe, Hooks: AllocatorHooks, Rules: KernelRules>(
  _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ zone: Zone, _ order: Int, _ buffer: HintBuffer, limit: Int,
  _ count: inout Int
) -> Bool {
  var n = count
  defer { count = n }
  return cpu.withZoneLocked(zone) { hold in
    let core = hold.core
    for type in 0..<core.migratetypes {
      for page in hold.freeList(order: order, Migratetype(index: type)) {
        if n == limit { return true }
        hold.items &+= 1
        buffer.store(core.address(page), at: n)
        n &+= 1
      }
    }
    return false
  }
}
