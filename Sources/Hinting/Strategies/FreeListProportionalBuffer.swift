import Delivery
import GuestMemory
import Instruments
import Records

/// Wei Wang's answer to v33's 32 GiB (v33 thread, June 2018): one buffer whose size follows the guest's, a page per 512
/// blocks of total memory, at most 1024 pages: 524288 addresses, 2 TiB. Blocks that don't fit aren't reported.
///
/// As Michael Tsirkin asked, the buffer is allocated when the host asks and freed when the host is done, with
/// GFP_ATOMIC | __GFP_NOMEMALLOC: if it is larger than any free block, there is no buffer. The number of pages is
/// rounded down, as written, so that a guest may have up to 511 blocks, 2 GiB, more than its buffer names (6 of nearly
/// 8 GiB). A guest of fewer than 512 blocks gets one page here; the formula gives none. Delivery is v33's: one
/// descriptor and one kick. The strategy handles one order; below the highest it is called once more for each order,
/// with the same buffer, sized for blocks of the lowest order.
struct FreeListProportionalBuffer: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "free-list-proportional-buffer", origin: "v33 thread, June 2018",
    summary: "addresses into one buffer of a page for each 512 blocks", effect: .takesBuffers,
    holdBound: "one zone: its lists of one order, at most 524288 entries",
    sideEffects: "takes up to 4 MiB, in one block, while the session lasts",
    limits: "524288 hints, 2 TiB at the highest order; the guest's size rounded down to 2 GiB")

  private var memory: (arena: HintArena, buffer: HintBuffer)?
  /// The order of the guest's block that stands for the buffer: ceil(log2) of its pages.
  private(set) var bufferOrder = 0
  private var held: UInt64?

  init(_ options: OptionValues) {}

  var bufferBytes: Int? { memory.map { $0.buffer.capacity * 8 } }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    if memory != nil { return }
    // totalram_pages, free or not.
    let blocks = guest.zones.reduce(0) { $0 + $1.managedPages } >> UInt64(lowestOrder)
    let pages = max(1, min(Int(blocks) / (Int(guest.bytes(1)) / 8), 1 << guest.highestOrder))
    // An order below the granule doesn't exist in this guest.
    bufferOrder = max(Int.bitWidth - (pages - 1).leadingZeroBitCount, guest.granuleOrder)
    let arena = try HintArena(bytes: pages << guest.pageShift)
    memory = (arena, arena.buffer(bytes: pages << guest.pageShift))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let buffer = memory?.buffer else { return .noBuffer }
    if held == nil {
      let begin = CycleClock.begin()
      held = cpu.allocate(order: bufferOrder, [.high, .atomic, .kswapd, .noMemAlloc])
      session.bufferAllocTicks &+= CycleClock.end() &- begin
      if held == nil { return .noBuffer }
      sink.didTake(pages: 1 &<< UInt64(bufferOrder), initialized: true)
    }

    return copyLists(&cpu, &sink, session, buffer, limit: buffer.capacity)
  }

  mutating func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) {
    guard let pfn = held else { return }
    held = nil
    let begin = CycleClock.begin()
    cpu.free(pfn: pfn, order: bufferOrder)
    session.bufferFreeTicks &+= CycleClock.end() &- begin
    sink.didReturn(pages: 1 &<< UInt64(bufferOrder))
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? {
    // A buffer of an order with per-CPU lists (up to PAGE_ALLOC_COSTLY_ORDER, and a pageblock's) is allocated and freed
    // by the allocator's batch.
    bufferOrder > 3 && bufferOrder != guest.pageblockOrder ? memory?.buffer.capacity : nil
  }
}
