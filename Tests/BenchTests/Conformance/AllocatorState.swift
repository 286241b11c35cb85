import CHost

@testable import GuestMemory

/// All of a guest's allocator state that a session could change, list order included.
struct AllocatorState: Equatable {
  struct List: Equatable {
    var zone: Int
    var order: Int
    var type: Migratetype
    var pfns: [UInt64]
  }

  var lists: [List] = []
  /// By zone: counters, watermarks, flags of the zone, pageblock types, pages on per-CPU lists.
  var zones: [[UInt64]] = []

  init(_ guest: Guest) {
    let core = guest.core
    for zone in core.zones {
      for order in core.granuleOrder...core.highestOrder {
        for type in core.types {
          let list = zone.freeList(order: order, type)
          if !list.isEmpty { lists.append(List(zone: zone.index, order: order, type: type, pfns: list.map(core.pfn))) }
        }
      }
      var state: [UInt64] = (0...core.highestOrder).map(zone.blocksFree)
      let memory = zone.pointer.pointee
      state += [
        memory.nr_free_pages, memory.watermark.0, memory.watermark.1, memory.watermark.2, memory.watermark_boost,
        memory.nr_reserved_highatomic, memory.bad_pages, memory.zone_flags, UInt64(memory.lock), memory.managed_pages,
      ]
      state += core.pageblocks(of: zone).map(UInt64.init)
      state += (0..<core.cpuCount).map { UInt64(core.perCPUList(zone, cpu: $0).count) }
      zones.append(state)
    }
  }

  /// The first thing that differs, in words.
  func difference(from other: AllocatorState) -> String? {
    if self == other { return nil }
    for (a, b) in zip(lists, other.lists) where a != b {
      return
        "the lists differ at zone \(a.zone) order \(a.order) \(a.type.name): \(a.pfns.count) and \(b.pfns.count) blocks"
    }
    for (index, pair) in zip(zones, other.zones).enumerated() {
      for (position, values) in zip(pair.0, pair.1).enumerated() where values.0 != values.1 {
        return "zone \(index)'s state differs at \(position): \(values.0) and \(values.1)"
      }
    }
    return "\(lists.count) and \(other.lists.count) lists"
  }
}

extension Guest {
  /// What was free at the snapshot and is neither on a list now nor among `others`: what the session holds.
  func missingPages(others: [Block] = []) -> PageRuns {
    let then = PageRuns(snapshot?.blocks(fromOrder: 0) ?? [])
    return then.subtracting(PageRuns(freeBlocks() + perCPUBlocks() + others))
  }
}

extension PageRuns {
  /// The same pages as aligned blocks, as large as they come within a zone.
  func blocks(of guest: Guest) -> [Block] {
    var blocks: [Block] = []
    let highestOrder = guest.core.highestOrder
    for run in runs {
      var pfn = run.lowerBound
      while pfn < run.upperBound {
        let end = guest.core.zones.first { $0.startPFN <= pfn && pfn < $0.endPFN }?.endPFN ?? run.upperBound
        var order = Swift.min(pfn == 0 ? highestOrder : pfn.trailingZeroBitCount, highestOrder)
        while pfn + (1 << UInt64(order)) > Swift.min(run.upperBound, end) { order -= 1 }
        blocks.append(Block(pfn: pfn, order: order))
        pfn += 1 << UInt64(order)
      }
    }
    return blocks
  }
}
