import Delivery
import GuestMemory
import Instruments
import Records

/// v35 and v36 (July 2018): counts the most blocks there can be, allocates blocks of the highest order to hold their
/// addresses, copies the lists into those, and sends each buffer as one hint buffer.
///
/// Allocation is GFP_ATOMIC | __GFP_NOMEMALLOC; if any fails, everything is freed and nothing reported. If the buffers
/// run out (ENOSPC), one more is allocated and the copy restarted. The posted code's test for the end of the buffer
/// list can't be true; the intent is modelled. Each buffer is itself a block that isn't free and can't be hinted.
struct FreeListMultiBuffer: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "free-list-multi-buffer", origin: "v35 and v36, July 2018",
    summary: "addresses into as many 4 MiB buffers as the guest may need", effect: .takesBuffers,
    holdBound: "one zone: all its lists of one order",
    sideEffects: "takes a 4 MiB block for each 524288 blocks of total memory while the session lasts",
    limits: "needs all its buffers at the start; without them, no hints")

  /// The addresses that a buffer, one block of the highest order, has room for.
  private var perBuffer = 0
  private var arena: HintArena?
  private var buffers: [HintBuffer] = []
  private var held: [UInt64] = []
  private var wanted = 0

  init(_ options: OptionValues) {}

  var bufferBytes: Int? { wanted * perBuffer * 8 }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    if arena != nil { return }
    // max_free_page_blocks(): totalram >> order, free or not.
    let total = guest.zones.reduce(0) { $0 + $1.managedPages } >> UInt64(lowestOrder)
    let bytes = 1 << (guest.highestOrder + guest.pageShift)
    perBuffer = bytes / 8
    wanted = max(1, (Int(total) + perBuffer - 1) / perBuffer)
    // Host memory for one more, in case the lists are longer than counted.
    let arena = try HintArena(bytes: (wanted + 1) * bytes)
    buffers = (0...wanted).map { _ in arena.buffer(bytes: bytes) }
    held.reserveCapacity(wanted + 1)
    self.arena = arena
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    let begin = CycleClock.begin()
    var allocated = true
    while allocated && held.count < wanted { allocated = allocate(&cpu, &sink) }
    session.bufferAllocTicks &+= CycleClock.end() &- begin
    if !allocated {
      free(&cpu, &sink, &session)
      return .noBuffer
    }

    sink.command()
    let zones = session.zones(cpu.core)
    var order = cpu.core.highestOrder
    while order >= session.lowestOrder {
      var copied = 0
      while true {
        if session.stop.isSet { return .stopped }
        copied = 0
        if copyAll(&cpu, zones, order, &copied) { break }
        // ENOSPC: grow and begin again.
        session.restarts &+= 1
        if held.count == buffers.count || !allocate(&cpu, &sink) {
          sink.command()
          return .limit
        }
      }
      for index in 0..<held.count where copied > index &* perBuffer {
        sink.send(
          buffers[index], words: min(copied &- index &* perBuffer, perBuffer), .address(order: order), descriptors: 1)
      }
      order &-= 1
    }
    sink.command()
    return .complete
  }

  /// get_from_free_page_list(): one hold per zone, moving on to the next buffer when one is full. Returns false for
  /// ENOSPC.
  @inline(__always)
  private func copyAll<Probe: LockProbe, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ zones: Range<Int>, _ order: Int, _ copied: inout Int
  ) -> Bool {
    let perBuffer = perBuffer
    let usable = held.count
    return buffers.withUnsafeBufferPointer { buffers in
      var index = 0
      var buffer = buffers[0]
      var n = 0
      defer { copied = index &* perBuffer &+ n }
      for zone in zones {
        let fits = cpu.withZoneLocked(cpu.core.zone(zone)) { hold in
          let core = hold.core
          for type in 0..<core.migratetypes {
            for page in hold.freeList(order: order, Migratetype(index: type)) {
              if n == perBuffer {
                if index &+ 1 == usable { return false }
                index &+= 1
                buffer = buffers[index]
                n = 0
              }
              hold.items &+= 1
              buffer.store(core.address(page), at: n)
              n &+= 1
            }
          }
          return true
        }
        if !fits { return false }
      }
      return true
    }
  }

  private mutating func allocate<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink
  ) -> Bool {
    let order = cpu.core.highestOrder
    guard let pfn = cpu.allocate(order: order, [.high, .atomic, .kswapd, .noMemAlloc]) else { return false }
    held.append(pfn)
    sink.didTake(pages: 1 << UInt64(order), initialized: true)
    return true
  }

  private mutating func free<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) {
    let order = cpu.core.highestOrder
    let begin = CycleClock.begin()
    while let pfn = held.popLast() {
      cpu.free(pfn: pfn, order: order)
      sink.didReturn(pages: 1 << UInt64(order))
    }
    session.bufferFreeTicks &+= CycleClock.end() &- begin
  }

  mutating func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) {
    free(&cpu, &sink, &session)
  }
}
