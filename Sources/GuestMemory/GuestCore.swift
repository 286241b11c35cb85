import CHost

/// The addresses and constants of a guest; nothing in it is reference-counted. Copied freely; valid as long as its
/// ``Guest``.
///
/// Its methods are the allocator's inner half, mm/page_alloc.c from `__free_one_page()` to `rmqueue_bulk()`, which
/// require the zone's lock. ``GuestCPU`` is the outer half, which takes the locks.
public struct GuestCore: @unchecked Sendable {
  // Right to send: addresses of memory that lives as long as the guest, guarded by its zone locks.
  @usableFromInline let vmemmap: UnsafeMutablePointer<StructPage>
  @usableFromInline let zoneTable: UnsafeMutablePointer<StructZone>
  @usableFromInline let pageblockTypes: UnsafeMutablePointer<UInt8>
  @usableFromInline let queueNodes: UnsafeMutablePointer<MCSNode>
  /// Zone indices: for each node its fallback list, then its NOFALLBACK list, each `zoneCount` long and terminated by
  /// -1.
  @usableFromInline let zonelists: UnsafeMutablePointer<Int32>

  public let zoneCount: Int
  public let nodeCount: Int
  public let cpuCount: Int
  /// One struct page stands for 2^this pages; the guest has no lower orders.
  public let granuleOrder: Int
  /// The kernel's MAX_ORDER - 1 (MAX_PAGE_ORDER later): 10, or less for a capture of a kernel built with fewer.
  public let highestOrder: Int
  /// pageblock_order: 9, or the highest order where that is lower or the kernel has no huge pages.
  public let pageblockOrder: Int
  /// The order above 3 that has per-CPU lists, ``pageblockOrder``; -1 in a kernel without huge pages.
  @usableFromInline let perCPUHugeOrder: Int
  public let lockKind: LockKind
  /// The kernel whose rules every ``GuestCPU`` that allocates or frees must have.
  public let kernel: KernelVersion
  /// See ``GuestGeometry/isToldToCheckPages``.
  @usableFromInline let isToldToCheckPages: Bool
  // A byte each, in the gap before the next word: each hold copies this struct.
  /// See ``pageShift``.
  @usableFromInline let narrowPageShift: UInt8
  /// See ``GuestGeometry/hasCMA``.
  public let hasCMA: Bool
  /// A bit per node: whether its ZONE_NORMAL may spill into a ZONE_DMA32 before it mixes migratetypes.
  @usableFromInline let nodesWithDMA32: UInt64

  @inlinable init(
    vmemmap: UnsafeMutablePointer<StructPage>, zoneTable: UnsafeMutablePointer<StructZone>,
    pageblockTypes: UnsafeMutablePointer<UInt8>, queueNodes: UnsafeMutablePointer<MCSNode>,
    zonelists: UnsafeMutablePointer<Int32>, zoneCount: Int, nodeCount: Int, cpuCount: Int, granuleOrder: Int,
    highestOrder: Int, pageblockOrder: Int, hasHugePages: Bool, lockKind: LockKind, kernel: KernelVersion,
    isToldToCheckPages: Bool, pageShift: Int, hasCMA: Bool, nodesWithDMA32: UInt64
  ) {
    self.vmemmap = vmemmap
    self.zoneTable = zoneTable
    self.pageblockTypes = pageblockTypes
    self.queueNodes = queueNodes
    self.zonelists = zonelists
    self.zoneCount = zoneCount
    self.nodeCount = nodeCount
    self.cpuCount = cpuCount
    self.granuleOrder = granuleOrder
    self.highestOrder = highestOrder
    self.pageblockOrder = pageblockOrder
    perCPUHugeOrder = hasHugePages ? pageblockOrder : -1
    self.lockKind = lockKind
    self.kernel = kernel
    self.isToldToCheckPages = isToldToCheckPages
    narrowPageShift = UInt8(truncatingIfNeeded: pageShift)
    self.hasCMA = hasCMA
    self.nodesWithDMA32 = nodesWithDMA32
  }

  // MARK: pages and PFNs

  /// The address of page 0's struct page, for code in C.
  public var vmemmapAddress: UnsafePointer<StructPage> { UnsafePointer(vmemmap) }

  /// pfn_to_page()
  @inlinable @inline(__always)
  public func page(_ pfn: UInt64) -> Page {
    Page(vmemmap + Int(truncatingIfNeeded: pfn &>> UInt64(truncatingIfNeeded: granuleOrder)))
  }

  /// page_to_pfn(): (page - vmemmap) / 64, times the pages per struct page.
  @inlinable @inline(__always)
  public func pfn(_ page: Page) -> UInt64 {
    (offset(page) &>> 6) &<< UInt64(truncatingIfNeeded: granuleOrder)
  }

  /// PAGE_SHIFT: 12, or more in a guest of larger pages.
  public var pageShift: Int { Int(narrowPageShift) }

  /// The bytes of so many pages.
  public func bytes(_ pages: UInt64) -> UInt64 { pages << UInt64(pageShift) }

  /// The block's byte address in a guest of 4 KiB pages, pfn << 12, in one shift. Whoever reads a hint shifts it back, so
  /// that a guest of larger pages keeps it: its kernel shifts by another constant.
  @inlinable @inline(__always)
  public func address(_ page: Page) -> UInt64 {
    // A checked conversion would add a trap for every entry of every walk.
    offset(page) &<< UInt64(truncatingIfNeeded: 6 &+ granuleOrder)
  }

  @inlinable @inline(__always)
  func offset(_ page: Page) -> UInt64 {
    UInt64(UInt(bitPattern: page.pointer) &- UInt(bitPattern: vmemmap))
  }

  /// The number of struct pages in a block.
  @inlinable @inline(__always)
  func structPages(order: Int) -> Int { 1 &<< (order &- granuleOrder) }

  /// MIGRATE_TYPES: for ``Migratetype/init(index:)``.
  @inlinable @inline(__always)
  public var migratetypes: Int { hasCMA ? Migratetype.countWithCMA : Migratetype.count }

  /// All of the guest's types, in the kernel's order but for CMA, which is last.
  public var types: [Migratetype] { (0..<migratetypes).map(Migratetype.init(index:)) }

  // MARK: zones

  @inlinable @inline(__always)
  public func zone(_ index: Int) -> Zone { Zone(zoneTable + index) }

  /// for_each_populated_zone(): by node, lowest zone first.
  public var zones: [Zone] { (0..<zoneCount).map(zone) }

  /// NR_FREE_PAGES of all zones, read without locks.
  @inlinable
  public var freePages: UInt64 {
    var pages: UInt64 = 0
    for index in 0..<zoneCount { pages &+= zone(index).freePages }
    return pages
  }

  @inlinable @inline(__always)
  func lock(of zone: Zone) -> Spinlock {
    Spinlock(UnsafeMutableRawPointer(zone.pointer).advanced(by: Int(HB_ZONE_LOCK)))
  }

  // MARK: pageblocks

  /// get_pfnblock_migratetype(). A free reads it before it takes the zone's lock; it changes under the lock.
  @inlinable @inline(__always)
  public func pageblockMigratetype(_ pfn: UInt64) -> Migratetype {
    let index = Int(truncatingIfNeeded: pfn &>> UInt64(truncatingIfNeeded: pageblockOrder))
    return Migratetype(rawValue: Int(chost_read_once_byte(pageblockTypes + index)))
  }

  /// set_pageblock_migratetype()
  @inlinable @inline(__always)
  func setPageblockMigratetype(_ pfn: UInt64, _ type: Migratetype) {
    pageblockTypes[Int(truncatingIfNeeded: pfn &>> UInt64(truncatingIfNeeded: pageblockOrder))] =
      UInt8(truncatingIfNeeded: type.rawValue)
  }

  /// change_pageblock_range(): sets every pageblock of a block of at least pageblock order.
  @inlinable
  func setPageblockMigratetypes(_ pfn: UInt64, order: Int, _ type: Migratetype) {
    for n in 0..<UInt64(1 &<< (order &- pageblockOrder)) {
      setPageblockMigratetype(pfn &+ n &<< UInt64(pageblockOrder), type)
    }
  }
}
