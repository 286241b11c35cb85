import GuestMemory

/// A modelled guest's memory as a migration sees it: which units are written, zero, and dirty since the last sync.
/// Modelled pages have no content; a version counter stands for each unit's.
///
/// A unit is a page or, for large guests, a run of 2^``unitOrder`` pages: then one write dirties the whole unit, as on
/// a host with huge pages.
public final class GuestImage {
  /// log2 of the pages per unit.
  public let unitOrder: Int
  public let units: Int
  /// The units that are RAM, which a migration must send.
  public let memory: MigrationBitmap
  public private(set) var versions: PageVersions
  /// The dirty log: every write since the last sync.
  public private(set) var log: MigrationBitmap
  /// The pages of each unit that have been written and are still in use.
  private var owned: [UInt16]
  /// The pages of each unit that aren't zero, in use or not.
  private var filled: [UInt16]

  /// Creates an image of the guest in a starting state, whose per-CPU lists are empty: everything that isn't free is in
  /// use and written. `freeIsZero`: free memory is untouched since boot; otherwise it holds what its last users left. No thread
  /// may run in the guest. O(pages / 2^unitOrder + free blocks).
  public init(_ guest: Guest, unitOrder: Int, freeIsZero: Bool) {
    precondition((0...10).contains(unitOrder))
    precondition(guest.core.perCPUPages == 0, "pages on per-CPU lists would count as in use")
    self.unitOrder = unitOrder
    let zones = guest.core.zones
    let end = Int(zones.map(\.endPFN).max() ?? 0)
    var memory = MigrationBitmap(pages: end, unitOrder: unitOrder, allSet: false)
    units = memory.units
    owned = [UInt16](repeating: 0, count: units)
    let unitPages = 1 << unitOrder
    for zone in zones {
      for unit in Int(zone.startPFN) >> unitOrder..<(Int(zone.endPFN) + unitPages - 1) >> unitOrder {
        memory.set(unit)
        let first = max(unit << unitOrder, Int(zone.startPFN))
        owned[unit] += UInt16(min((unit + 1) << unitOrder, Int(zone.endPFN)) - first)
      }
    }
    self.memory = memory
    filled = owned
    versions = PageVersions(units: units)
    log = MigrationBitmap(units: units, unitOrder: unitOrder, allSet: false)
    for block in guest.freeBlocks() {
      forEachUnit(block.pfn, block.pages) { unit, pages in
        owned[unit] -= pages
        if freeIsZero { filled[unit] -= pages }
      }
    }
    for unit in 0..<units where filled[unit] > 0 { versions.write(unit) }
  }

  /// Writes all pages of a block that was just allocated.
  public func take(_ block: Block) {
    forEachUnit(block.pfn, block.pages) { unit, pages in
      owned[unit] += pages
      // In a unit of many pages it isn't known which were zero: assume as few as possible.
      filled[unit] = max(filled[unit], min(filled[unit] + pages, UInt16(1) << UInt16(unitOrder)))
      write(unit)
    }
  }

  /// Writes all pages of a block again, by its owner.
  public func rewrite(_ block: Block) { forEachUnit(block.pfn, block.pages) { unit, _ in write(unit) } }

  /// Releases a block. Its content stays.
  public func giveBack(_ block: Block) { forEachUnit(block.pfn, block.pages) { unit, pages in owned[unit] -= pages } }

  /// Zeroes free pages, as init_on_alloc does for a strategy that allocates.
  public func zero(_ block: Block) {
    forEachUnit(block.pfn, block.pages) { unit, pages in
      filled[unit] -= min(pages, filled[unit])
      write(unit)
    }
  }

  /// The number of non-zero pages of a unit.
  public func filledPages(_ unit: Int) -> Int { Int(filled[unit]) }

  /// Sends the unit's content to the destination.
  public func copy(_ unit: Int) { versions.copy(unit) }

  /// Syncs: adds everything written since the last sync to the bitmap.
  public func sync(into bitmap: inout MigrationBitmap) { bitmap.take(&log) }

  /// The first unit in use whose content the destination lacks; nil if none.
  public var firstLoss: PageVersions.Loss? { versions.firstLoss { owned[$0] > 0 } }

  /// The number of units in use.
  public var unitsInUse: Int { owned.count { $0 > 0 } }

  private func write(_ unit: Int) {
    versions.write(unit)
    log.set(unit)
  }

  /// Calls `body` for each unit that the pages overlap, with the number of pages in it.
  @inline(__always)
  private func forEachUnit(_ pfn: UInt64, _ pages: UInt64, _ body: (Int, UInt16) -> Void) {
    var page = Int(pfn)
    let end = page + Int(pages)
    while page < end {
      let unit = page >> unitOrder
      let next = min((unit + 1) << unitOrder, end)
      body(unit, UInt16(next - page))
      page = next
    }
  }
}
