import CHost

/// Every free list of a guest at one moment, in list order: 8 bytes per free block.
public struct GuestSnapshot: Sendable {
  struct ListImage: Sendable {
    var zone: Int
    var order: Int
    var type: Migratetype
    var pfns: [UInt64]
  }

  struct ZoneImage: Sendable {
    var freePages: UInt64
    var boost: UInt64
    var highAtomic: UInt64
    var freeHighAtomic: UInt64
    var freeCMA: UInt64
    var pageblocks: [UInt8]
  }

  let lists: [ListImage]
  let zones: [ZoneImage]

  init(lists: [ListImage], zones: [ZoneImage]) {
    self.lists = lists
    self.zones = zones
  }

  /// Reads the lists. Per-CPU lists must be empty, since their blocks would count as allocated.
  init(of core: GuestCore) {
    var lists: [ListImage] = []
    var zones: [ZoneImage] = []
    for zone in core.zones {
      for order in core.granuleOrder...core.highestOrder {
        for type in core.types {
          let list = zone.freeList(order: order, type)
          if list.isEmpty { continue }
          lists.append(ListImage(zone: zone.index, order: order, type: type, pfns: list.map(core.pfn)))
        }
      }
      zones.append(
        ZoneImage(
          freePages: zone.freePages, boost: zone.watermarkBoost,
          highAtomic: zone.reservedHighAtomic, freeHighAtomic: zone.freeHighAtomic, freeCMA: zone.freeCMA,
          pageblocks: Array(UnsafeBufferPointer(rebasing: core.pageblocks(of: zone)))))
    }
    self.lists = lists
    self.zones = zones
  }

  /// Returns the free blocks of at least `order`, list by list.
  public func blocks(fromOrder order: Int) -> [Block] {
    var blocks: [Block] = []
    for list in lists where list.order >= order {
      blocks.append(contentsOf: list.pfns.lazy.map { Block(pfn: $0, order: list.order) })
    }
    return blocks
  }

  func restore(_ core: GuestCore) {
    forgetOwners(core)
    for zone in core.zones {
      for order in core.granuleOrder...core.highestOrder {
        for type in core.types {
          let list = zone.freeList(order: order, type)
          for page in list { page.pointer.pointee.page_type = Page.typeNone }
          list.initialize()
        }
        zone.freeCounter(order: order).pointee = 0
      }
      let image = zones[zone.index]
      zone.freePagesField.pointee = image.freePages
      zone.watermarkBoostField.pointee = image.boost
      zone.reservedHighAtomicField.pointee = image.highAtomic
      zone.freeHighAtomicField.pointee = image.freeHighAtomic
      zone.addFreeCMA(Int(image.freeCMA) - Int(zone.freeCMA))
      zone.isBelowHigh = false
      let isolate = UInt8(Migratetype.isolate.rawValue)
      zone.isolatedPageblocksField.pointee = UInt64(image.pageblocks.count { $0 == isolate })
      zone.pointer.pointee.bad_pages = 0
      _ = core.pageblocks(of: zone).update(fromContentsOf: image.pageblocks)
      for cpu in 0..<core.cpuCount {
        let pcp = core.perCPUList(zone, cpu: cpu)
        for index in 0..<PerCPUList.listCount { pcp.list(index).initialize() }
        pcp.countField.pointee = 0
        pcp.freeFactorField.pointee = 0
        pcp.allocFactorField.pointee = 0
        pcp.freeCountField.pointee = 0
        pcp.flagsField.pointee = 0
        // Of 6.1 it is fixed, and high_min 0.
        if pcp.pointer.pointee.high_max > 0 { pcp.highField.pointee = 0 }
      }
    }
    for image in lists {
      let zone = core.zone(image.zone)
      let list = zone.freeList(order: image.order, image.type)
      let zoneBits = Page.zoneBits(image.zone)
      for pfn in image.pfns {
        let page = core.page(pfn)
        page.pointer.pointee.flags = zoneBits
        page.pointer.pointee.private_ = UInt64(image.order)
        page.pointer.pointee.page_type = Page.typeUntouchedBuddy
        page.pointer.pointee.refcount = 0
        list.addTail(page)
      }
      zone.freeCounter(order: image.order).pointee += UInt64(image.pfns.count)
    }
  }
}

extension GuestSnapshot {
  /// Clears the reference and flags of pages that were allocated and never freed, which would otherwise be bad pages of
  /// the restored blocks. Skips zones in which everything was freed.
  private func forgetOwners(_ core: GuestCore) {
    var pagesThen = [UInt64](repeating: 0, count: core.zoneCount)
    for image in lists { pagesThen[image.zone] += UInt64(image.pfns.count) << UInt64(image.order) }
    let isShort = core.zones.map { zone in
      var pages = UInt64(0)
      for order in core.granuleOrder...core.highestOrder { pages += zone.blocksFree(order: order) << UInt64(order) }
      for cpu in 0..<core.cpuCount { pages += UInt64(core.perCPUList(zone, cpu: cpu).count) }
      return pages != pagesThen[zone.index] || zone.pointer.pointee.bad_pages != 0
    }
    for image in lists where isShort[image.zone] {
      for pfn in image.pfns {
        let head = core.page(pfn)
        if head.isUntouchedBuddy && head.order == image.order { continue }
        let pages = core.structPages(order: image.order)
        var index = 0
        while index < pages {
          let page = head.advanced(by: index)
          if page.isBuddy {
            index += core.structPages(order: page.order)
            continue
          }
          if page.pointer.pointee.refcount != 0 {
            page.pointer.pointee.refcount = 0
            page.pointer.pointee.flags = Page.zoneBits(image.zone)
            page.pointer.pointee.mapping = nil
          }
          index += 1
        }
      }
    }
  }
}

extension GuestCore {
  /// The migratetypes of the pageblocks that overlap a zone.
  func pageblocks(of zone: Zone) -> Slice<UnsafeMutableBufferPointer<UInt8>> {
    let first = Int(zone.startPFN >> UInt64(pageblockOrder))
    let last = Int((zone.endPFN - 1) >> UInt64(pageblockOrder))
    return UnsafeMutableBufferPointer(start: pageblockTypes, count: last + 1)[first...last]
  }
}
