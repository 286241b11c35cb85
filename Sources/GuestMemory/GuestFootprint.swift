/// The host memory that a modelled guest will need, computed before anything is allocated.
public struct GuestFootprint: Sendable, Equatable {
  /// Struct pages that will be written, rounded to host pages, with their page tables.
  public var vmemmapBytes: UInt64
  /// The saved state, pageblock types, hint records and the arrays that check them.
  public var bookkeepingBytes: UInt64

  public var bytes: UInt64 { vmemmapBytes + bookkeepingBytes }

  /// The guest's state, as far as it decides which memory is touched.
  public enum State: Sendable, Equatable {
    case fresh
    case aged(Aging)
    /// A capture, by its free blocks by order.
    case captured(blocksByOrder: [UInt64])
  }

  /// Returns an upper bound for a guest of this geometry.
  ///
  /// `wholeBlocks`: whether a strategy or load frees blocks through the allocator, which touches all their struct
  /// pages.
  public static func estimate(_ geometry: GuestGeometry, _ state: State, wholeBlocks: Bool) -> GuestFootprint {
    let granule = UInt64(geometry.granuleOrder)
    let highest = UInt64(geometry.highestOrder)
    let pageblock = UInt64(geometry.pageblockOrder)
    let spanned = geometry.zones.reduce(0) { $0 + $1.spannedPages }
    let managed = geometry.managedPages

    /// The host memory of `heads` separate heads of blocks of 2^order pages. Bytes.
    func small(heads: UInt64, order: UInt64) -> UInt64 {
      let apart = (1 << (order - min(order, granule))) * 64
      return heads * min(max(UInt64(apart), 64), 4096) + 4096
    }

    let all = (spanned >> granule) * 64
    var heads: UInt64
    var touched: UInt64
    switch state {
    case .fresh:
      heads = managed >> highest
      touched = small(heads: heads, order: highest)
    case .aged(let aging):
      if let profile = aging.profile {
        let blocks = profile.blocks(
          freePages: UInt64(Double(managed) * aging.freeFraction), granuleOrder: geometry.granuleOrder,
          highestOrder: geometry.highestOrder)
        return estimate(geometry, .captured(blocksByOrder: blocks), wholeBlocks: wholeBlocks)
      }
      let pageblocks = managed >> pageblock
      let pagewise = granule < pageblock ? pageblocks / UInt64(aging.pagewiseOneIn) : 0
      // At most a fifth of the pages of a page-wise churned pageblock head a free block.
      heads = pageblocks + pagewise * (1 << (pageblock - min(pageblock, granule))) / 2
      touched = small(heads: pageblocks, order: pageblock) + pagewise * ((1 << pageblock) >> granule) * 64
    case .captured(let blocks):
      heads = blocks.reduce(0, +)
      // Below the highest order a block's buddy isn't free, so heads are at least two blocks apart.
      touched = blocks.enumerated().reduce(0) {
        $0 + small(heads: $1.element, order: min(UInt64($1.offset) + 1, highest))
      }
    }
    if wholeBlocks || geometry.vmemmapPage == .filled { touched = all }
    if geometry.vmemmapPage == .huge {
      touched = geometry.zones.reduce(0) { $0 + (($1.spannedPages >> granule) * 64 + (4 << 20)) }
    }
    // A zone's ends are split into smaller and smaller blocks.
    touched += UInt64(geometry.zones.count) * 16 * 4096
    touched = min(touched, all + UInt64(geometry.zones.count) * (4 << 20))

    // One page-table page maps 2 MiB of small pages; heads 64 KiB apart use every one of them.
    let tables = geometry.vmemmapPage == .huge ? 0 : all >> 9
    // A word per block in the snapshot, and at most five more while a repetition is checked; the zones and their
    // per-CPU lists.
    let zoneTables = UInt64(geometry.zones.count) * (4096 + UInt64(geometry.cpuCount) * 256)
    let bookkeeping = heads * 48 + (spanned >> pageblock) * 2 + zoneTables + (16 << 20)
    return GuestFootprint(vmemmapBytes: touched + tables, bookkeepingBytes: bookkeeping)
  }
}
