import GuestMemory

/// What a modelled guest's memory holds as far as a migration asks: who wrote what when, what is zero, and what has
/// been written since the last sync. Modelled pages have no bytes; a version counter stands for each unit's.
///
/// A unit is a page, or for guests too large for that a run of 2^``unitOrder`` pages: then one write makes the whole
/// unit dirty, as it does on a host with huge pages.
public final class GuestImage {
  /// log2 of a unit's pages.
  public let unitOrder: Int
  public let units: Int
  /// Units that are RAM: what a migration has to send.
  public let memory: MigrationBitmap
  public private(set) var versions: PageVersions
  /// The dirty log. Every write since the last sync is in it.
  public private(set) var log: MigrationBitmap
  /// Pages of each unit that somebody wrote and still has.
  private var owned: [UInt16]
  /// Pages of each unit that aren't zero, whoever wrote them.
  private var filled: [UInt16]

  /// An image of the guest as it stands, with nothing on the per-CPU lists: what isn't free is in use and written.
  /// `freeIsZero`: nobody has used the free memory since boot; otherwise it holds what its last users left. No thread
  /// may run in the guest. O(pages / 2^unitOrder + free blocks).
  public init(_ guest: Guest, unitOrder: Int, freeIsZero: Bool) {
    precondition((0...10).contains(unitOrder))
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

  /// Somebody who has just allocated the pages writes all of them.
  public func take(_ block: Block) {
    forEachUnit(block.pfn, block.pages) { unit, pages in
      owned[unit] += pages
      // In a unit of many pages nobody knows which of them were zero: as few as can be.
      filled[unit] = max(filled[unit], min(filled[unit] + pages, UInt16(1) << UInt16(unitOrder)))
      write(unit)
    }
  }

  /// Their owner writes them again.
  public func rewrite(_ block: Block) { forEachUnit(block.pfn, block.pages) { unit, _ in write(unit) } }

  /// Their owner gives them back; what they hold stays.
  public func giveBack(_ block: Block) { forEachUnit(block.pfn, block.pages) { unit, pages in owned[unit] -= pages } }

  /// The kernel zeroes pages that nobody owns, as init_on_alloc does for a strategy that allocates.
  public func zero(_ block: Block) {
    forEachUnit(block.pfn, block.pages) { unit, pages in
      filled[unit] -= min(pages, filled[unit])
      write(unit)
    }
  }

  /// Pages of a unit that aren't zero.
  public func filledPages(_ unit: Int) -> Int { Int(filled[unit]) }

  /// What the unit holds goes to the destination.
  public func copy(_ unit: Int) { versions.copy(unit) }

  /// The sync: what was written since the last one has to be sent again.
  public func sync(into bitmap: inout MigrationBitmap) { bitmap.take(&log) }

  /// The first unit that somebody uses and the destination lacks.
  public var firstLoss: PageVersions.Loss? { versions.firstLoss { owned[$0] > 0 } }

  /// Units that somebody uses.
  public var unitsInUse: Int { owned.count { $0 > 0 } }

  private func write(_ unit: Int) {
    versions.write(unit)
    log.set(unit)
  }

  /// Each unit that the pages lie in, and how many of them.
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
