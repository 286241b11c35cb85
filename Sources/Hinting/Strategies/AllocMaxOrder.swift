import Delivery
import GuestMemory
import Instruments
import Records

/// Linus Torvalds' answer to v33 (June 2018), merged in 4.20: allocates blocks of the highest order until that fails,
/// reports them one by one, and holds them until the host is done.
///
/// It needs no new allocator interface, and no walk that could be overtaken. Each block costs a lock, a descriptor and a
/// kick, and freeing it touches all its struct pages. As merged, the flags allow no reclaim, no reserves and no movable
/// zone, so that the guest ends near its min watermarks, on other nodes, too; ZONE_MOVABLE and the atomic reserve are
/// never reported. `node=each` is the form discussed in the thread, THISNODE node by node; `reserve` keeps blocks free by
/// checking nr_free before each allocation.
///
/// If only the queue entry reserved for the command is left, the block is freed at once and the loop continues: it
/// allocates and frees until the host has used an entry, which it checks each time. A stop by the host (STOP, or a
/// newer command id) ends the loop within a block. The blocks stay held until ``giveBack(_:_:_:)``, DONE, since pages
/// freed during a migration are written to and must be sent again. `stop=return` is the rejected alternative: blocks
/// are freed as soon as the host stops the session.
///
/// A reported block isn't the driver's until the host has acted, though: the shrinker that the driver registers gives
/// listed blocks back to the allocator without a look at used buffers, the one hinted last first, so that it may be
/// written to before the host acts on its hint. Under a dirty log that is harmless; a host that discards destroys it.
/// `shrinker=off` is a driver without it. `ack=wait` is the proposal of January 2026 (WAIT_ON_ACK): the driver waits
/// until each buffer was used, the start's and the stop's, too, and only then lists the block. One round trip to the
/// host a block, with one buffer in the queue at a time; meanwhile it doesn't see the host's stop.
struct AllocMaxOrder: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "alloc-max-order", origin: "v33 thread, June 2018; merged in 4.20",
    summary: "allocates the largest blocks and reports them",
    orders: .highestOnly, effect: .takesBlocks, holdBound: "one block",
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
      DeclaredOption(
        "shrinker", .choice(["on", "off"]), default: "on",
        "whether memory reclaim may take listed blocks back, the last one first, without a look at used buffers",
        source: "on: 6.1 and 6.12; off: a driver without it", implied: "on"),
      DeclaredOption(
        "ack", .choice(["none", "wait"]), default: "none",
        "whether the driver waits until the host has used each buffer, and lists a block only then",
        source: "none: 4.20; wait: RFC WAIT_ON_ACK, January 2026", implied: "none"),
    ])

  private let reserve: UInt64
  private let nodeByNode: Bool
  private let returnsWhenStopped: Bool
  private let hasShrinker: Bool
  private let waits: Bool
  private var memory: Memory?
  private var order = 0

  private struct Memory {
    let words: SharedWords
    let arena: HintArena
    let held: HeldBlocks
    let capacity: Int
  }

  init(_ options: OptionValues) {
    reserve = UInt64(options.integer("reserve"))
    nodeByNode = options.choice("node") == "each"
    returnsWhenStopped = options.choice("stop") == "return"
    hasShrinker = options.choice("shrinker") == "on"
    waits = options.choice("ack") == "wait"
  }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    order = guest.highestOrder
    // The driver links its blocks through the pages themselves; here a word per block stands for that.
    let blocks = guest.zones.reduce(0) { $0 + $1.spannedPages } >> UInt64(guest.highestOrder)
    let capacity = Int(blocks) + 1
    if let memory, memory.capacity >= capacity { return }
    let words = try SharedWords(count: HeldBlocks.wordCount)
    let arena = try HintArena(bytes: capacity * 8 + 4096)
    memory = Memory(
      words: words, arena: arena, held: HeldBlocks(words.view, arena.buffer(bytes: capacity * 8)), capacity: capacity)
  }

  var shrinker: Shrinker? {
    guard hasShrinker, let memory else { return nil }
    return Shrinker(memory.held, order: order)
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let held = memory?.held else { return .noBuffer }
    // The driver's probe fails (-ENOSPC).
    if sink.queueSize < 2 { return .error("a queue of fewer than 2 entries has none for hints") }
    guard command(&sink) else { return Self.hostFailed }
    let outcome = takeAll(&cpu, &sink, session, held)
    guard command(&sink) else { return Self.hostFailed }
    if outcome == .stopped && returnsWhenStopped { giveBack(&cpu, &sink, &session) }
    return outcome
  }

  private static let hostFailed = Outcome.error("the host failed before it had used a buffer")

  /// Sends the start or the stop of a session. Returns false if the host failed while the driver waited for it.
  @inline(__always)
  private func command<Sink: HintSink>(_ sink: inout Sink) -> Bool {
    sink.command()
    return !waits || sink.waitUntilUsed()
  }

  @inline(__always)
  private mutating func takeAll<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: Session, _ held: HeldBlocks
  ) -> Outcome {
    if let node = session.node { return take(&cpu, &sink, session.stop, held, onNode: node) }
    if !nodeByNode { return take(&cpu, &sink, session.stop, held, onNode: nil) }
    for node in 0..<cpu.core.nodeCount {
      let outcome = take(&cpu, &sink, session.stop, held, onNode: node)
      if outcome != .complete { return outcome }
    }
    return .complete
  }

  @inline(__always)
  private mutating func take<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ held: HeldBlocks, onNode: Int?
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
      guard sink.report(Block(pfn: pfn, order: order)) else {
        cpu.free(pfn: pfn, order: order)
        sink.didReturn(pages: pages)
        continue
      }
      if waits && !sink.waitUntilUsed() {
        // A host that failed acts on nothing more.
        held.push(pfn)
        return Self.hostFailed
      }
      held.push(pfn)
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
    guard let held = memory?.held else { return }
    let order = cpu.core.highestOrder
    while let pfn = held.pop() {
      cpu.free(pfn: pfn, order: order)
      sink.didReturn(pages: 1 &<< UInt64(order))
    }
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? {
    // A highest order with per-CPU lists (kernels built with fewer orders) is allocated and freed by the batch.
    guest.highestOrder > guest.pageblockOrder ? 1 : nil
  }
}
