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
  /// As an allocation that finds its own lists empty would: blocks of another migratetype move to its lists.
  case steal(order: Int, for: Migratetype)
  /// Its per-CPU lists go back.
  case drain
  /// alloc_contig_range() of the pageblock that the first entry of the list begins with.
  case takeRange(order: Int, Migratetype)
}

/// A CPU that has a list of sections to run, one when it is told to.
final class ScheduledMutator<Hooks: AllocatorHooks> {
  private let guest: Guest
  private let sections: [Section]
  private var cpu: GuestCPU<NoProbe, Hooks, Linux6_1>
  private(set) var next = 0
  private(set) var held: [Block] = []
  /// Sections that found something to do.
  private(set) var effective = 0

  init(_ guest: Guest, cpu: Int, _ sections: [Section], _ hooks: Hooks) {
    self.guest = guest
    self.sections = sections
    self.cpu = GuestCPU(guest.core, cpu: cpu, node: 0, probe: NoProbe(), hooks: hooks, rules: Linux6_1.self)
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
      held.append(block)
    case .freeLast:
      guard let block = held.popLast() else { return false }
      cpu.free(pfn: block.pfn, order: block.order)
    case .freeFirst:
      guard !held.isEmpty else { return false }
      freePastPerCPULists(held.removeFirst())
    case .steal(let order, let type):
      return cpu.withZoneLocked(zone) { hold in
        core.steal(hold.zone, order: order, for: type, avoidFragmentation: false, hold.hooks)
      }
    case .drain: cpu.drainPerCPULists()
    case .takeRange(let order, let type):
      guard let first = zone.freeList(order: order, type).first else { return false }
      let pfn = core.pfn(first)
      let pages: UInt64 = 1 << UInt64(core.pageblockOrder)
      guard (try? cpu.allocateContiguous(pfn: pfn, pages: pages, drainFirst: true)) != nil else { return false }
      // Each granule has a reference of its own.
      for part in stride(from: pfn, to: pfn + pages, by: 1 << core.granuleOrder) {
        held.append(Block(pfn: part, order: core.granuleOrder))
      }
    }
    return true
  }

  private func freePastPerCPULists(_ block: Block) {
    let core = guest.core
    cpu.withZoneLocked(core.zone(0)) { hold in
      let page = core.page(block.pfn)
      page.pointer.pointee.refcount = 0
      page.pointer.pointee.flags &= ~Page.flagsCheckedAtPrep
      core.freeOnePage(
        page, pfn: block.pfn, hold.zone, order: block.order, core.pageblockMigratetype(block.pfn), hold.ruled)
    }
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
