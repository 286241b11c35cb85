import GuestMemory
import Instruments

// compact_zone() as called for `echo 1 > /proc/sys/vm/compact_memory` (mm/compaction.c), in outline: 6.1's scanners, over
// the allocator and the balloon of the guest's kernel.
extension BalloonDriver {
  /// Compacts a zone in one pass: one scanner isolates movable pages from the bottom up, another takes free target
  /// pages from the top down, until they meet.
  ///
  /// As in the kernel: clusters of 32 pages (COMPACT_CLUSTER_MAX); no target pages from a pageblock that is wholly free
  /// or not movable; targets come from `__isolate_free_page()`, which keeps the min watermark; unused targets are
  /// freed. Simplified: pages other than the balloon's are single, belong to `owner`, and are isolated by the same
  /// steps without an LRU list; nothing is unmapped or copied; no pageblock is skipped because it failed before
  /// (ignore_skip_hint). Other pages, and blocks, stay. The caller drains per-CPU lists before and after.
  ///
  /// Complexity: O(struct pages of the zone).
  @inlinable
  public mutating func compact<Owner: PageOwner>(
    _ zone: Zone, movesBalloonPages: Bool, _ owner: inout Owner
  ) -> CompactionFigures {
    let pageblock: UInt64 = 1 << UInt64(balloon.core.pageblockOrder)
    var figures = CompactionFigures()
    var free = FreeScanner(zone, pageblock)
    var cluster: [UInt64] = []
    cluster.reserveCapacity(clusterSize)
    var block = zone.startPFN / pageblock * pageblock
    scan: while block < free.block {
      var pfn = max(block, zone.startPFN)
      let end = min(block + pageblock, zone.endPFN)
      while pfn < end {
        cluster.removeAll(keepingCapacity: true)
        pfn = gather(pfn..<end, &cluster, movesBalloonPages, &figures)
        if cluster.isEmpty { continue }
        free.fill(cluster.count, above: block, &cpu)
        for page in cluster {
          guard let target = free.pages.popLast() else {
            giveUp(page, &figures)
            continue
          }
          move(page, to: target, &owner, &free, &figures)
        }
        if free.isExhausted { break scan }
      }
      block += pageblock
    }
    // release_freepages()
    for pfn in free.pages { cpu.put(pfn: pfn, order: 0) }
    return figures
  }

  /// COMPACT_CLUSTER_MAX
  @inlinable var clusterSize: Int { 32 }

  /// isolate_migratepages_block(): isolates up to a cluster of movable pages. Returns the PFN it stopped at.
  @inlinable
  mutating func gather(
    _ range: Range<UInt64>, _ cluster: inout [UInt64], _ movesBalloonPages: Bool, _ figures: inout CompactionFigures
  ) -> UInt64 {
    var pfn = range.lowerBound
    while pfn < range.upperBound && cluster.count < clusterSize {
      let page = balloon.core.page(pfn)
      if let order = page.freeOrderUnlocked {
        pfn += 1 << UInt64(order)
        continue
      }
      if page.isOwnedMovable {
        if !movesBalloonPages {
          figures.balloonPagesLeft += 1
        } else if isolate(pfn) {
          cluster.append(pfn)
        }
      } else if page.isOnLRU && isolateOther(page, pfn) {
        cluster.append(pfn)
      }
      pfn += 1
    }
    return pfn
  }

  /// Isolates a page that isn't the balloon's: takes a reference and its lock, then takes it off the LRU list.
  @inlinable
  mutating func isolateOther(_ page: Page, _ pfn: UInt64) -> Bool {
    guard page.takeReference() else { return false }
    guard page.tryLock() else {
      cpu.put(pfn: pfn, order: 0)
      return false
    }
    let isAlone = page.isOnLRU && page.references == 2
    if isAlone { page.setOnLRU(false) }
    page.unlock()
    if !isAlone { cpu.put(pfn: pfn, order: 0) }
    return isAlone
  }

  @inlinable
  mutating func move<Owner: PageOwner>(
    _ old: UInt64, to new: UInt64, _ owner: inout Owner, _ free: inout FreeScanner, _ figures: inout CompactionFigures
  ) {
    let (oldPage, newPage) = (balloon.core.page(old), balloon.core.page(new))
    if oldPage.isOwnedMovable {
      // As it was allocated, for the allocator's count of movable pages.
      newPage.setOnLRU(true)
      guard migrate(old, to: new) else {
        newPage.setOnLRU(false)
        free.pages.append(new)
        return giveUp(old, &figures)
      }
      figures.balloonPages += 1
      return
    }
    newPage.ownersIndex = oldPage.ownersIndex
    newPage.setOnLRU(true)
    owner.pageMoved(from: old, to: new)
    // The owner's reference and the isolator's.
    cpu.put(pfn: old, order: 0)
    cpu.put(pfn: old, order: 0)
    figures.otherPages += 1
  }

  /// putback_movable_pages()
  @inlinable
  mutating func giveUp(_ pfn: UInt64, _ figures: inout CompactionFigures) {
    figures.putBack += 1
    let page = balloon.core.page(pfn)
    if page.isOwnedMovable { return putBack(pfn) }
    page.setOnLRU(true)
    cpu.put(pfn: pfn, order: 0)
  }
}

/// isolate_freepages(): the scanner from the top.
@usableFromInline
struct FreeScanner {
  /// The pageblock being scanned.
  @usableFromInline var block: UInt64
  /// The next PFN to look at in that pageblock.
  @usableFromInline var position: UInt64
  /// Pages taken off the free lists, with one reference each.
  @usableFromInline var pages: [UInt64] = []
  /// Whether the scanner met the other one or hit the min watermark.
  @usableFromInline var isExhausted = false
  @usableFromInline let zone: Zone
  @usableFromInline let pageblock: UInt64

  @inlinable
  init(_ zone: Zone, _ pageblock: UInt64) {
    self.zone = zone
    self.pageblock = pageblock
    block = (zone.endPFN - 1) / pageblock * pageblock
    position = max(block, zone.startPFN)
    // Taking a block gives all its pages, which may be more than a cluster.
    pages.reserveCapacity(Int(pageblock) * 2)
  }

  /// Collects free pages until it has `wanted`, staying above pageblock `bottom`.
  @inlinable
  mutating func fill<Rules: KernelRules>(
    _ wanted: Int, above bottom: UInt64, _ cpu: inout GuestCPU<NoProbe, NoHooks, Rules>
  ) {
    while pages.count < wanted && !isExhausted {
      let end = min(block + pageblock, zone.endPFN)
      if position < end && isTarget(cpu.core) {
        // Reserve memory for another whole block: nothing may be allocated under the lock.
        pages.reserveCapacity(pages.count + Int(pageblock))
        guard
          let next = cpu.takeFreePages(
            in: position..<end, of: zone, wanted: wanted - pages.count, { pages.append($0) })
        else {
          isExhausted = true
          return
        }
        position = next
        if position < end { continue }
      }
      guard block >= bottom + 2 * pageblock else {
        isExhausted = pages.count < wanted
        position = end
        return
      }
      block -= pageblock
      position = max(block, zone.startPFN)
    }
  }

  /// suitable_migration_target(): a wholly free block isn't a target, since such blocks are what compaction is for.
  @inlinable
  func isTarget(_ core: GuestCore) -> Bool {
    if core.pageblockMigratetype(block) != .movable { return false }
    let page = core.page(max(block, zone.startPFN))
    return page.freeOrderUnlocked.map { $0 < core.pageblockOrder } ?? true
  }
}

/// Counts of one compaction pass.
public struct CompactionFigures: Equatable, Sendable {
  /// Pages moved: the balloon's, and those of other owners.
  public var balloonPages = 0
  public var otherPages = 0
  /// Pages of the balloon that couldn't be moved and stayed.
  public var balloonPagesLeft = 0
  /// Pages that were isolated and then put back unmoved.
  public var putBack = 0

  public init() {}

  public static func + (a: Self, b: Self) -> Self {
    var sum = a
    sum.balloonPages += b.balloonPages
    sum.otherPages += b.otherPages
    sum.balloonPagesLeft += b.balloonPagesLeft
    sum.putBack += b.putBack
    return sum
  }
}

/// The owner of single movable pages other than the balloon's.
public protocol PageOwner {
  /// Tells the owner that compaction moved its page from `old` to `new`. The new page has the same
  /// ``Page/ownersIndex``.
  mutating func pageMoved(from old: UInt64, to new: UInt64)
}
