import Instruments

@testable import GuestMemory

/// What another CPU does in one go: a call of the allocator that takes the zone's lock once, or not at all.
///
/// A range is the exception: its holds are taken as one here, with none of the strategy's between them.
enum Section {
  /// Through the allocator; order 9 goes through a per-CPU list. Nothing happens where nothing is free.
  case allocate(order: Int, GFP)
  /// The entry of a list at an index; nothing where the list is shorter.
  case take(order: Int, Migratetype, at: Int)
  /// Of what it holds, the block it got last; through the allocator.
  case freeLast
  /// The block it got first, past the per-CPU lists.
  case freeFirst
  /// What an allocation does that finds its own lists empty: under 6.1's rules blocks of another migratetype move to its
  /// lists; since 6.12 it claims a pageblock or takes one block, and holds what it got.
  case steal(order: Int, for: Migratetype)
  /// Its per-CPU lists go back.
  case drain
  /// alloc_contig_range() of the pageblock that the first entry of the list begins with.
  case takeRange(order: Int, Migratetype)
  /// alloc_contig_range() of a pageblock of the zone, by its number, whoever has its pages. Where it fails it leaves the
  /// pageblock isolated and released again, which may change its type.
  case takeRangeAt(pageblock: Int)
}

/// A CPU that has a list of sections to run, one when it is told to.
final class ScheduledMutator<Hooks: AllocatorHooks, Rules: KernelRules> {
  private let guest: Guest
  private let sections: [Section]
  private var cpu: GuestCPU<NoProbe, Hooks, Rules>
  private(set) var next = 0
  private(set) var held: [Block] = []
  /// Sections that found something to do.
  private(set) var effective = 0

  init(_ guest: Guest, cpu: Int, _ sections: [Section], _ hooks: Hooks) {
    self.guest = guest
    self.sections = sections
    self.cpu = GuestCPU(guest.core, cpu: cpu, node: 0, probe: NoProbe(), hooks: hooks, rules: Rules.self)
  }

  var isDone: Bool { next == sections.count }

  /// The guest is back in its starting state.
  func reset() {
    next = 0
    held = []
  }

  func step() {
    if run(sections[next]) { effective += 1 }
    next += 1
  }

  private func run(_ section: Section) -> Bool {
    let core = guest.core
    let zone = core.zone(0)
    switch section {
    case .allocate(let order, let gfp):
      guard let pfn = cpu.allocate(order: order, gfp) else { return false }
      held.append(Block(pfn: pfn, order: order))
    case .take(let order, let type, let index):
      let block: Block? = cpu.withZoneLocked(zone) { hold in
        var left = index
        for page in hold.freeList(order: order, type) {
          if left == 0 {
            hold.take(page)
            return Block(pfn: core.pfn(page), order: order)
          }
          left -= 1
        }
        return nil
      }
      guard let block else { return false }
      cpu.hooks.didAllocate(core.page(block.pfn), pfn: block.pfn, order: block.order)
      held.append(block)
    case .freeLast:
      guard let block = held.popLast() else { return false }
      cpu.free(pfn: block.pfn, order: block.order)
    case .freeFirst:
      guard !held.isEmpty else { return false }
      freePastPerCPULists(held.removeFirst())
    case .steal(let order, let type):
      if !Rules.claimsOrSteals {
        return cpu.withZoneLocked(zone) { hold in
          core.steal(hold.zone, order: order, for: type, avoidFragmentation: false, hold.hooks)
        }
      }
      let page = cpu.withZoneLocked(zone) { hold in
        var mode = GuestCore.TakeMode.own
        let page = core.takeOthers(hold.zone, order: order, type, avoidFragmentation: false, &mode, hold.ruled)
        if page != nil { core.addFreePages(hold.zone, -(1 << order)) }
        return page
      }
      guard let page else { return false }
      cpu.hooks.didAllocate(page, pfn: core.pfn(page), order: order)
      page.pointer.pointee.refcount = 1
      held.append(Block(pfn: core.pfn(page), order: order))
    case .drain: cpu.drainPerCPULists()
    case .takeRange(let order, let type):
      guard let first = zone.freeList(order: order, type).first else { return false }
      return takeRange(core.pfn(first))
    case .takeRangeAt(let pageblock):
      return takeRange(zone.startPFN + UInt64(pageblock) << UInt64(core.pageblockOrder))
    }
    return true
  }

  private func takeRange(_ pfn: UInt64) -> Bool {
    let core = guest.core
    let pages: UInt64 = 1 << UInt64(core.pageblockOrder)
    guard (try? cpu.allocateContiguous(pfn: pfn, pages: pages, drainFirst: true)) != nil else { return false }
    // Each granule has a reference of its own.
    for part in stride(from: pfn, to: pfn + pages, by: 1 << core.granuleOrder) {
      held.append(Block(pfn: part, order: core.granuleOrder))
    }
    return true
  }

  private func freePastPerCPULists(_ block: Block) {
    let core = guest.core
    let page = core.page(block.pfn)
    page.pointer.pointee.refcount = 0
    page.pointer.pointee.flags &= ~Page.flagsCheckedAtPrep
    cpu.freeOnePage(
      page, pfn: block.pfn, order: block.order, core.zone(0), core.pageblockMigratetype(block.pfn))
  }

  /// All that is left to do, and then everything is given back.
  func leave() {
    while !isDone { step() }
    while let block = held.popLast() { cpu.free(pfn: block.pfn, order: block.order) }
    cpu.drainPerCPULists()
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(next)
    hasher.combine(held)
  }
}
