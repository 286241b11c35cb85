import CHost

/// An inconsistency in a guest's allocator state.
public struct GuestFault: CustomStringConvertible, Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case wrongCounter, brokenLink, notBuddy, wrongOrder, misaligned, outsideZone, overlap, unmergedBuddies, lostPage
    case onTwoLists, wrongZone
    /// A free block on another list than its pageblock's, under the rules of 6.10 and later; of CMA's lists and pageblocks
    /// under all.
    case impureList
  }

  public let kind: Kind
  public let zone: String
  public let detail: String

  public var description: String { "\(zone): \(kind.rawValue): \(detail)" }
}

extension Guest {
  /// Checks the whole allocator state. No thread may run in the guest. Returns the inconsistencies; empty if there are
  /// none.
  ///
  /// `held`: the blocks allocated since the snapshot and not freed. Every page that was free at the snapshot must now
  /// be in exactly one place: on a free list, on a per-CPU list or in `held`. Complexity: O(n log n) in the free
  /// blocks.
  public func validate(held: [Block] = []) -> [GuestFault] {
    var faults: [GuestFault] = []
    for zone in core.zones { GuestCheck(core, zone, snapshot, held).run(&faults) }
    return faults
  }
}

/// The check of one zone.
private struct GuestCheck {
  let core: GuestCore
  let zone: Zone
  let snapshot: GuestSnapshot?
  let held: [Block]
  var name: String { "node \(zone.node) \(zone.type.name)" }

  init(_ core: GuestCore, _ zone: Zone, _ snapshot: GuestSnapshot?, _ held: [Block]) {
    self.core = core
    self.zone = zone
    self.snapshot = snapshot
    self.held = held.filter { zone.startPFN <= $0.pfn && $0.pfn < zone.endPFN }
  }

  func run(_ faults: inout [GuestFault]) {
    var found: [GuestFault] = []
    func fault(_ kind: GuestFault.Kind, _ detail: String) {
      // One fault often causes many; the first few of a kind are enough.
      if found.count(where: { $0.kind == kind }) < 4 {
        found.append(GuestFault(kind: kind, zone: name, detail: detail))
      }
    }

    var free: [Block] = []
    var met: [UInt64] = []
    var freePages: UInt64 = 0
    var highAtomic: UInt64 = 0
    var cma: UInt64 = 0
    for order in 0...10 {
      var length: UInt64 = 0
      for type in core.types {
        walk(zone.freeList(order: order, type), met: &met, fault) { page, pfn in
          length += 1
          if !page.isBuddy { fault(.notBuddy, "pfn \(pfn) on the order \(order) \(type.name) list isn't Buddy") }
          if page.order != order {
            fault(.wrongOrder, "pfn \(pfn) says order \(page.order) on the list of order \(order)")
          }
          if pfn & ((1 << UInt64(order)) - 1) != 0 { fault(.misaligned, "pfn \(pfn) on the list of order \(order)") }
          if page.zoneIndex != zone.index { fault(.wrongZone, "pfn \(pfn) says zone \(page.zoneIndex)") }
          let block = Block(pfn: pfn, order: order)
          if pfn < zone.startPFN || block.end > zone.endPFN { fault(.outsideZone, "\(block)") }
          free.append(block)
          if type == .cma { cma += block.pages }
          let pageblockType = core.pageblockMigratetype(pfn)
          if core.kernel == .linux61 && type != .isolate && (type == .cma) != (pageblockType == .cma) {
            fault(.impureList, "\(block) is on \(type.name)'s list in a pageblock of \(pageblockType.name)")
          }
          if core.kernel != .linux61 {
            let pageblock: UInt64 = 1 << UInt64(core.pageblockOrder)
            for part in stride(from: pfn, to: block.end, by: Int(pageblock))
            where core.pageblockMigratetype(part) != type {
              fault(
                .impureList,
                "\(block) is on \(type.name)'s list in a pageblock of \(core.pageblockMigratetype(part).name)")
            }
            if type == .highAtomic { highAtomic += block.pages }
          }
          if type != .isolate { freePages += block.pages }
        }
      }
      if length != zone.blocksFree(order: order) {
        fault(.wrongCounter, "nr_free of order \(order) is \(zone.blocksFree(order: order)), the lists hold \(length)")
      }
    }
    if freePages != zone.freePages {
      fault(.wrongCounter, "NR_FREE_PAGES is \(zone.freePages), the lists hold \(freePages)")
    }

    if core.kernel != .linux61, highAtomic != zone.freeHighAtomic {
      fault(.wrongCounter, "nr_free_highatomic is \(zone.freeHighAtomic), the lists hold \(highAtomic)")
    }

    if cma != zone.freeCMA {
      fault(.wrongCounter, "NR_FREE_CMA_PAGES is \(zone.freeCMA), the lists hold \(cma)")
    }

    var kept: [Block] = []
    for cpu in 0..<core.cpuCount {
      let pcp = core.perCPUList(zone, cpu: cpu)
      var pages = 0
      for index in 0..<PerCPUList.listCount {
        let order = PerCPUList.order(index: index, pageblockOrder: core.pageblockOrder)
        walk(pcp.list(index), met: &met, fault) { page, pfn in
          pages += 1 << order
          if page.isBuddy { fault(.notBuddy, "pfn \(pfn) on a per-CPU list is Buddy") }
          kept.append(Block(pfn: pfn, order: order))
        }
      }
      if pages != pcp.count { fault(.wrongCounter, "CPU \(cpu) counts \(pcp.count) pages, its lists hold \(pages)") }
    }

    met.sort()
    for (a, b) in zip(met, met.dropFirst()) where a == b { fault(.onTwoLists, "pfn \(a)") }

    free.sort()
    for (a, b) in zip(free, free.dropFirst())
    where a.order == b.order && a.order < core.highestOrder && a.end == b.pfn && a.pfn & a.pages == 0 {
      let types = (core.pageblockMigratetype(a.pfn), core.pageblockMigratetype(b.pfn))
      let mayMerge = types.0 == types.1 || (types.0.isMergeable && types.1.isMergeable)
      if a.order < core.pageblockOrder || mayMerge { fault(.unmergedBuddies, "\(a) and its buddy are both free") }
    }

    tile((free + kept + held).sorted(), fault)
    faults += found
  }

  /// Walks a list as far as its links are intact.
  private func walk(
    _ list: FreeList, met: inout [UInt64], _ fault: (GuestFault.Kind, String) -> Void,
    _ body: (Page, UInt64) -> Void
  ) {
    let first = UInt(bitPattern: core.page(zone.startPFN).pointer)
    let last = UInt(bitPattern: core.page(zone.endPFN - 1).pointer)
    let most = Int(zone.spannedPages)
    var previous = UnsafeMutablePointer<ListHead>?.some(list.head)
    var entry = list.head.pointee.next
    var steps = 0
    while entry != list.head {
      guard let link = entry, steps <= most else {
        return fault(.brokenLink, entry == nil ? "a link is nil" : "a list has no end")
      }
      let address = UInt(bitPattern: link) &- UInt(Page.linkOffset)
      guard address >= first, address <= last, (address &- first) % 64 == 0 else {
        return fault(.brokenLink, "a link leads out of the zone's pages")
      }
      let page = Page(link: link)
      met.append(core.pfn(page))
      guard link.pointee.prev == previous else {
        return fault(.brokenLink, "pfn \(core.pfn(page)): prev doesn't lead back")
      }
      body(page, core.pfn(page))
      previous = link
      entry = link.pointee.next
      steps += 1
    }
    if list.head.pointee.prev != previous { fault(.brokenLink, "a list's tail pointer isn't its last entry") }
  }

  /// Checks that every page that was free at the snapshot is in exactly one of the sorted `blocks`.
  private func tile(_ blocks: [Block], _ fault: (GuestFault.Kind, String) -> Void) {
    for (a, b) in zip(blocks, blocks.dropFirst()) where a.end > b.pfn { fault(.overlap, "\(a) and \(b)") }
    guard let snapshot else { return }
    let then = PageRuns(
      snapshot.lists.filter { $0.zone == zone.index }.flatMap { list in
        list.pfns.map { Block(pfn: $0, order: list.order) }
      })
    let now = PageRuns(blocks)
    let lost = then.subtracting(now)
    if let run = lost.runs.first {
      fault(.lostPage, "\(lost.pages) pages that were free are nowhere, the first pfn \(run.lowerBound)")
    }
    let extra = now.subtracting(then)
    if let run = extra.runs.first {
      fault(.outsideZone, "\(extra.pages) pages that weren't free at the snapshot are, the first pfn \(run.lowerBound)")
    }
  }
}
