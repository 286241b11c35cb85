import Delivery
import GuestMemory
import Instruments
import Records

/// What the allocator itself does under zone->lock: the yardstick for the holds of every design.
///
/// A process touches `pages` pages and exits. Its allocations refill the CPU's list, one hold for `batch` pages
/// (rmqueue_bulk()); the frees at its exit drain the list, up to `batch << 5` = 2016 pages in one hold
/// (free_pcppages_bulk(); mm/page_alloc.c). What is left on the list is drained at the end by as many
/// (drain_pages()), so that the guest ends as it began. Nothing is reported.
struct AllocatorItself: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "allocator", origin: "the kernel itself", summary: "no design: a process allocates single pages, then exits",
    reports: false, effect: .takesBuffers, needsSinglePages: true,
    holdBound: "one refill or one drain of a per-CPU list (2016 pages; 63 in a refill of 6.1, in a drain of mainline)",
    sideEffects: "a process's memory is gone until it exits", limits: "reports nothing",
    options: [
      DeclaredOption(
        "pages", .integer(1...1 << 24), default: "16384", "pages that the process touches before it exits",
        source: "this project: 64 MiB")
    ])

  private let pages: Int
  private var memory: (arena: HintArena, buffer: HintBuffer)?
  private var held = 0

  init(_ options: OptionValues) { pages = options.integer("pages") }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    if memory != nil { return }
    // The kernel finds the pages by the process's page tables; here a word per page stands for that.
    let arena = try HintArena(bytes: pages * 8 + 4096)
    memory = (arena, arena.buffer(bytes: pages * 8))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let list = memory?.buffer else { return .noBuffer }
    // Single pages; the smallest blocks there are in a guest without them, in tests.
    let order = cpu.core.granuleOrder
    while held < pages {
      if session.stop.isSet { return .stopped }
      guard let pfn = cpu.allocate(order: order, .userMovable) else { return .limit }
      sink.didTake(pages: 1 &<< UInt64(order), initialized: true)
      list.store(pfn, at: held)
      held &+= 1
    }
    return .complete
  }

  mutating func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) {
    guard let list = memory?.buffer else { return }
    let order = cpu.core.granuleOrder
    for index in 0..<held {
      cpu.free(pfn: list[index], order: order)
      sink.didReturn(pages: 1 &<< UInt64(order))
    }
    held = 0
    cpu.drainPerCPULists()
  }
}
