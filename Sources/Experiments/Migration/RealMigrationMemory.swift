import GuestMemory
import Hinting

/// What a migration in real time takes of the host's memory: the guest's pages and the destination's copies of them.
enum RealMigrationMemory {
  /// An upper bound for one cell, without the modelled guest's struct pages. Bytes; 0 where nothing is real.
  static func bytes(_ cell: Cell) -> UInt64 {
    guard cell.experimentCard.migrates, cell.setting.clock == .real else { return 0 }
    let all = cell.guest.bytes
    let written: UInt64
    // Of zeroes the destination keeps no copies.
    var zeroed: UInt64 = 0
    switch cell.guest.state {
    case .fresh:
      // The kernel keeps a fiftieth of each zone; users take up to a quarter of what is free.
      written = all / 40 + (cell.load == .none ? 0 : all / 4)
      if cell.pageInit == .alloc && cell.strategy.card.effect == .takesBlocks { zeroed = all }
    case .aged, .captured:
      written = all
    }
    // Page tables that mark every page on one side, two bitmaps and what else the two processes need.
    return min(written + zeroed, all) + written + all / 256 + (64 << 20)
  }

  /// - Throws: ``MatrixError`` (69) where a migration in real time doesn't fit, with what does.
  static func check(
    _ cells: [Cell], _ footprints: [GuestSpec: GuestFootprint], _ host: Matrix.HostLimits
  ) throws(MatrixError) {
    for cell in cells {
      let real = bytes(cell)
      let needed = real + (footprints[cell.guest]?.bytes ?? 0)
      guard real > 0, needed > host.availableBytes else { continue }
      throw MatrixError(
        .unavailable,
        "a migration of \(ByteSize(bytes: cell.guest.bytes)), \(cell.guest.state.name), by the real clock needs "
          + "\(ByteSize(bytes: needed)) of host memory, for the guest and for the destination's copy, and "
          + "\(ByteSize(bytes: host.availableBytes)) are there; accepted: a smaller --guest, --state fresh, or --clock virtual"
      )
    }
  }
}
