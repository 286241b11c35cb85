import Delivery
import GuestMemory
import Instruments
import Records

/// Matthew Wilcox's sketch (v33 thread, June 2018): takes the first free block of the highest order off its list and
/// uses it as the buffer for the addresses of the others. It needs no memory beforehand and can't fail while such a
/// block is free.
///
/// The sketch only unlinks the block. A correct form must do more, as modelled here: the block is also taken out of the
/// counters, stripped of Buddy and given a reference, and the min watermark is kept. The sketch also stores the
/// buffer's own address as the first hint, which is stale as soon as the buffer is written to: `self=include` keeps
/// this, and the hint is counted as stale.
struct PluckBuffer: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "pluck-buffer", origin: "v33 thread, June 2018", summary: "the first free block becomes the buffer",
    orders: .highestOnly, effect: .takesBuffers,
    holdBound: "one zone: its lists of the highest order, at most 524288 entries",
    sideEffects: "takes one 4 MiB block while the session lasts", limits: "524288 hints, 2 TiB",
    options: [
      DeclaredOption(
        "self", .choice(["include", "exclude"]), default: "include",
        "whether the buffer's own address is stored as a hint", source: "v33 thread: the sketch does")
    ])

  private let includesItself: Bool
  private var memory: (arena: HintArena, buffer: HintBuffer)?
  private var held: UInt64?

  init(_ options: OptionValues) { includesItself = options.choice("self") == "include" }

  var bufferBytes: Int? { memory.map { $0.buffer.capacity * 8 } }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    if memory != nil { return }
    let bytes = 1 << (guest.highestOrder + guest.pageShift)
    let arena = try HintArena(bytes: bytes)
    memory = (arena, arena.buffer(bytes: bytes))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let buffer = memory?.buffer else { return .noBuffer }
    let core = cpu.core
    let order = core.highestOrder
    let includesItself = includesItself
    var plucked: UInt64? = nil
    var count = 0
    var full = false
    for zone in session.zones(core) where !full {
      if session.stop.isSet { break }
      full = cpu.withZoneLocked(core.zone(zone)) { hold in
        let core = hold.core
        for type in 0..<core.migratetypes {
          let list = hold.freeList(order: order, Migratetype(index: type))
          var next = list.first
          while let page = next {
            if count == buffer.capacity { return true }
            // Before it is unlinked.
            next = list.next(after: page)
            hold.items &+= 1
            if plucked == nil {
              if !hold.mayTake(order: order) { return false }
              hold.take(page)
              plucked = core.pfn(page)
              if !includesItself { continue }
            }
            buffer.store(core.address(page), at: count)
            count &+= 1
          }
        }
        return false
      }
    }
    guard let plucked else { return session.stop.isSet ? .stopped : .noBuffer }
    held = plucked
    sink.didTake(pages: 1 << UInt64(order), initialized: false)
    sink.send(buffer, words: count, .address(order: order), descriptors: 1)
    return session.stop.isSet ? .stopped : full ? .limit : .complete
  }

  mutating func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) {
    guard let pfn = held else { return }
    held = nil
    let order = cpu.core.highestOrder
    let begin = CycleClock.begin()
    cpu.free(pfn: pfn, order: order)
    session.bufferFreeTicks &+= CycleClock.end() &- begin
    sink.didReturn(pages: 1 << UInt64(order))
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { (1 << (guest.highestOrder + guest.pageShift)) / 8 }
}
