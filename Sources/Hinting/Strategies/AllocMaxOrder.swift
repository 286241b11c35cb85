import Delivery
import GuestMemory
import Instruments
import Records

/// Linus Torvalds' answer to v33 (June 2018), merged in 4.20: allocates blocks of the highest order until that fails,
/// reports them one by one, and holds them until the host is done.
///
/// It needs no new allocator interface and has no race: a reported block belongs to the driver. Each block costs a
/// lock, a descriptor and a kick, and freeing it touches all its struct pages. As merged, the flags allow no reclaim,
/// no reserves and no movable zone, so that the guest ends near its min watermarks, on other nodes, too; ZONE_MOVABLE
/// and the atomic reserve are never reported. `node=each` is the form discussed in the thread, THISNODE node by node;
/// `reserve` keeps blocks free by checking nr_free before each allocation.
///
/// If only the queue entry reserved for the command is left, the block is freed at once and the loop continues: it
/// allocates and frees until the host has used an entry, which it checks each time. A stop by the host (STOP, or a
/// newer command id) ends the loop within a block. The blocks stay held until ``giveBack(_:_:_:)``, DONE, since pages
/// freed during a migration are written to and must be sent again. `stop=return` is the rejected alternative: blocks
/// are freed as soon as the host stops the session.
struct AllocMaxOrder: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "alloc-max-order", origin: "v33 thread, June 2018; merged in 4.20",
    summary: "allocates the largest blocks and reports them",
    goal: .reclaim, orders: .highestOnly, effect: .takesBlocks, holdBound: "one block",
    sideEffects:
      "allocates all HPO blocks down to the min watermark until the session ends; converts their pageblocks to "
      + "unmovable",
    limits: "not ZONE_MOVABLE, not HIGHATOMIC, not below the min watermark",
    options: [
      DeclaredOption(
        "reserve", .integer(0...1 << 30), default: "0",
        "blocks of the highest order left free (with node=each: on each node)",
        source: "v33 thread: how many max-order pages are there"),
      DeclaredOption(
        "node", .choice(["any", "each"]), default: "any", "the whole zonelist, or each node by itself (THISNODE)",
        source: "any: 4.20; each: v33 thread"),
      DeclaredOption(
        "stop", .choice(["keep", "return"]), default: "keep",
        "when the host stops the session, blocks are held until it is done (keep), or freed at once (return)",
        source: "keep: 4.20; return: what its commit message argues against"),
    ])

  private let reserve: UInt64
  private let nodeByNode: Bool
  private let returnsWhenStopped: Bool
  private var memory: (arena: HintArena, buffer: HintBuffer)?
  private var held = 0

  init(_ options: OptionValues) {
    reserve = UInt64(options.integer("reserve"))
    nodeByNode = options.choice("node") == "each"
    returnsWhenStopped = options.choice("stop") == "return"
  }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    // The driver links its blocks through the pages themselves; here a word per block stands for that.
    let blocks = guest.zones.reduce(0) { $0 + $1.spannedPages } >> UInt64(guest.highestOrder)
    let bytes = (Int(blocks) + 1) * 8
    if let memory, memory.buffer.capacity * 8 >= bytes { return }
    let arena = try HintArena(bytes: bytes + 4096)
    memory = (arena, arena.buffer(bytes: bytes))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let list = memory?.buffer else { return .noBuffer }
    // The driver's probe fails (-ENOSPC).
    if sink.queueSize < 2 { return .error("a queue of fewer than 2 entries has none for hints") }
    sink.command()
    let outcome = takeAll(&cpu, &sink, session, list)
    sink.command()
    if outcome == .stopped && returnsWhenStopped { giveBack(&cpu, &sink, &session) }
    return outcome
  }

  @inline(__always)
  private mutating func takeAll<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: Session, _ list: HintBuffer
  ) -> Outcome {
    if let node = session.node { return take(&cpu, &sink, session.stop, list, onNode: node) }
    if !nodeByNode { return take(&cpu, &sink, session.stop, list, onNode: nil) }
    for node in 0..<cpu.core.nodeCount {
      let outcome = take(&cpu, &sink, session.stop, list, onNode: node)
      if outcome != .complete { return outcome }
    }
    return .complete
  }

  @inline(__always)
  private mutating func take<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ list: HintBuffer, onNode: Int?
  ) -> Outcome {
    let core = cpu.core
    let order = core.highestOrder
    let pages: UInt64 = 1 &<< UInt64(order)
    let flags: GFP = onNode == nil ? .freePageAlloc : [.noMemAlloc, .thisNode]
    while true {
      if stop.isSet { return .stopped }
      sink.reclaim()
      if reserve > 0 && freeBlocks(core, order, onNode) <= reserve { return .complete }
      guard let pfn = cpu.allocate(order: order, flags, onNode: onNode) else { return .complete }
      sink.didTake(pages: pages, initialized: true)
      if sink.report(Block(pfn: pfn, order: order)) {
        list.store(pfn, at: held)
        held &+= 1
      } else {
        cpu.free(pfn: pfn, order: order)
        sink.didReturn(pages: pages)
      }
    }
  }

  /// The proposed interface: the number of free blocks of the highest order.
  @inline(__always)
  private func freeBlocks(_ core: GuestCore, _ order: Int, _ node: Int?) -> UInt64 {
    var blocks: UInt64 = 0
    for index in 0..<core.zoneCount {
      let zone = core.zone(index)
      if let node, zone.node != node { continue }
      blocks &+= zone.blocksFreeUnlocked(order: order)
    }
    return blocks
  }

  mutating func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) {
    guard let list = memory?.buffer else { return }
    let order = cpu.core.highestOrder
    while held > 0 {
      held &-= 1
      cpu.free(pfn: list[held], order: order)
      sink.didReturn(pages: 1 &<< UInt64(order))
    }
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? {
    // A highest order with per-CPU lists (kernels built with fewer orders) is allocated and freed by the batch.
    guest.highestOrder > guest.pageblockOrder ? 1 : nil
  }
}
