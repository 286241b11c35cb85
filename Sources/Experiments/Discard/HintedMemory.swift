import GuestMemory
import Migration

/// What a guest's users have written, unit by unit, and what is left of it beside a host that acts on hints: the oracle.
///
/// A unit is a granule of the guest. Users write all they allocate, as they allocate it. The oracle knows nothing of
/// strategies, queues and locks: after each session every unit in use must hold what its user wrote last.
final class HintedMemory {
  /// A hint as the guest gave it.
  struct Hint {
    var block: Block
    /// Whether the strategy held the block.
    var isHeld: Bool
    /// Those of its units that were in use at that moment.
    var unitsInUse: [Int]
  }

  /// log2 of the pages per unit.
  let unitOrder: Int
  private let use: HintUse
  private let ram: MigrationBitmap
  private let inUseAtStart: MigrationBitmap
  private var inUse: MigrationBitmap
  /// What users wrote, and what memory holds (`discard`) or the destination has (`log`).
  private var versions: PageVersions
  private var log: MigrationBitmap
  private var toSend: MigrationBitmap
  private var kinds: [PageLoss.Kind?]

  /// Describes a guest in its starting state, whose per-CPU lists are empty: everything that isn't free is in use. O(pages
  /// / 2^unitOrder).
  init(_ guest: Guest, _ use: HintUse) {
    unitOrder = guest.geometry.granuleOrder
    self.use = use
    let zones = guest.core.zones
    var ram = MigrationBitmap(pages: Int(zones.map(\.endPFN).max() ?? 0), unitOrder: unitOrder, allSet: false)
    for zone in zones { ram.set(Int(zone.startPFN) >> unitOrder..<Int(zone.endPFN) >> unitOrder) }
    self.ram = ram
    var inUse = ram
    for block in guest.freeBlocks() { inUse.clear(block) }
    inUseAtStart = inUse
    self.inUse = inUse
    versions = PageVersions(units: ram.units)
    log = MigrationBitmap(units: ram.units, unitOrder: unitOrder, allSet: false)
    toSend = log
    kinds = Array(repeating: nil, count: ram.units)
    reset()
  }

  /// Back to the guest's starting state. O(units).
  func reset() {
    inUse = inUseAtStart
    for unit in 0..<ram.units { versions.set(unit, PageVersions.zero &+ 1) }
  }

  private func units(_ block: Block) -> Range<Int> {
    Int(block.pfn) >> unitOrder..<Int(block.end) >> unitOrder
  }

  // MARK: the guest's users

  /// Writes all of a block that was just allocated.
  func take(_ block: Block) {
    inUse.set(units(block))
    rewrite(block)
  }

  /// Writes all of a block again, by its owner.
  func rewrite(_ block: Block) {
    for unit in units(block) {
      versions.write(unit)
      // The log has a write; memory itself has its content.
      if use == .discard { versions.copy(unit) } else { log.set(unit) }
    }
  }

  /// Releases a block.
  func giveBack(_ block: Block) { inUse.clear(block) }

  // MARK: hints

  /// Notes what of the block is in use as the guest names it.
  func hint(_ block: Block, isHeld: Bool) -> Hint {
    Hint(block: block, isHeld: isHeld, unitsInUse: units(block).filter { inUse[$0] })
  }

  /// The host acts on a hint.
  func act(on hint: Hint) {
    for unit in units(hint.block) {
      if use == .discard { versions.discard(unit) } else { toSend.clear(unit..<unit + 1) }
      kinds[unit] = hint.unitsInUse.contains(unit) ? .inUse : hint.isHeld ? .returned : .taken
    }
  }

  // MARK: sessions

  /// A session begins. Under a log it is a migration's first: nothing is sent, all has to be, and the log runs. O(units).
  func beginSession() {
    for unit in 0..<ram.units {
      kinds[unit] = nil
      if use == .discard { versions.copy(unit) } else { versions.discard(unit) }
    }
    if use == .log {
      toSend = ram
      log.clear(0..<log.units)
    }
  }

  /// The session is over and the host has acted on all of it; under a log the guest stands still, the log is read and what
  /// has to be sent is. Returns the units in use that don't hold what was written. O(units).
  func endSession() -> [PageLoss] {
    if use == .log {
      toSend.take(&log)
      var next = toSend.next(from: 0)
      while let unit = next {
        versions.copy(unit)
        next = toSend.next(from: unit + 1)
      }
    }
    var losses: [PageLoss] = []
    var next = inUse.next(from: 0)
    while let unit = next {
      if !versions.agrees(unit) {
        guard let kind = kinds[unit] else { preconditionFailure("unit \(unit) was lost, and no hint named it") }
        losses.append(PageLoss(unit: unit, kind: kind))
      }
      next = inUse.next(from: unit + 1)
    }
    return losses
  }
}
