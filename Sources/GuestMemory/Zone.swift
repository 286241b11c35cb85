import CHost
import Synchronization

/// A handle on a `struct zone`. Its values are stable only while its lock is held.
public struct Zone: Equatable, Sendable {
  // An address inside the guest's zone table, which lives as long as the guest.
  @usableFromInline nonisolated(unsafe) let pointer: UnsafeMutablePointer<StructZone>

  @inlinable @inline(__always)
  init(_ pointer: UnsafeMutablePointer<StructZone>) { self.pointer = pointer }

  /// The zone's index in the guest's zone table.
  @inlinable @inline(__always) public var index: Int { Int(pointer.pointee.index) }
  /// The modelled node, counted from 0 without gaps.
  @inlinable @inline(__always) public var node: Int { Int(pointer.pointee.node) }
  @inlinable public var type: ZoneType { ZoneType(rawValue: Int(pointer.pointee.zone_type)).unsafelyUnwrapped }
  /// The first PFN of its span.
  @inlinable public var startPFN: UInt64 { pointer.pointee.start_pfn }
  /// Pages from the first to the last, holes included.
  @inlinable public var spannedPages: UInt64 { pointer.pointee.spanned_pages }
  @inlinable public var endPFN: UInt64 { startPFN + spannedPages }
  /// Pages handed to the allocator at boot, but for those that a balloon has.
  @inlinable public var managedPages: UInt64 { managedPagesField.pointee.load(ordering: .relaxed) }

  @inlinable @inline(__always)
  var managedPagesField: UnsafeMutablePointer<Atomic<UInt64>> {
    UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_ZONE_MANAGED_PAGES))
      .assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// The zone's part of adjust_managed_page_count(): one atomic addition.
  @inlinable @inline(__always)
  public func adjustManagedPages(by pages: Int) {
    managedPagesField.pointee.wrappingAdd(UInt64(bitPattern: Int64(pages)), ordering: .relaxed)
  }
  /// Whether watermarks are known; if not, nothing may be allocated.
  @inlinable public var hasWatermarks: Bool { pointer.pointee.initialized != 0 }

  /// NR_FREE_PAGES, read without the lock. Exact under the lock; the kernel's per-CPU part of it is not modelled.
  @inlinable @inline(__always)
  public var freePages: UInt64 { chost_read_once(UnsafeRawPointer(freePagesField)) }

  // Fields that one CPU changes under the lock and others read without it are accessed individually: a read through the
  // whole struct would race with every write to it.

  /// vm_stat[NR_FREE_PAGES]
  @inlinable @inline(__always)
  var freePagesField: UnsafeMutablePointer<UInt64> { field(Int(HB_ZONE_NR_FREE_PAGES)) }

  @inlinable @inline(__always)
  var watermarkBoostField: UnsafeMutablePointer<UInt64> { field(Int(HB_ZONE_WATERMARK_BOOST)) }

  @inlinable @inline(__always)
  var reservedHighAtomicField: UnsafeMutablePointer<UInt64> { field(Int(HB_ZONE_NR_RESERVED_HIGHATOMIC)) }

  /// Pages on HIGHATOMIC's lists (6.12).
  @inlinable @inline(__always)
  var freeHighAtomicField: UnsafeMutablePointer<UInt64> { field(Int(HB_ZONE_NR_FREE_HIGHATOMIC)) }

  /// ZONE_BELOW_HIGH (6.7): whether the zone was found below its high mark, so that per-CPU lists shrink. Set and cleared
  /// without the lock.
  @inlinable @inline(__always)
  var belowHighFlag: UnsafeMutablePointer<Atomic<UInt64>> {
    UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_ZONE_FLAGS)).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inlinable @inline(__always)
  var isBelowHigh: Bool {
    get { belowHighFlag.pointee.load(ordering: .relaxed) != 0 }
    nonmutating set { belowHighFlag.pointee.store(newValue ? 1 : 0, ordering: .relaxed) }
  }

  @inlinable @inline(__always)
  var isolatedPageblocksField: UnsafeMutablePointer<UInt64> { field(Int(HB_ZONE_NR_ISOLATE_PAGEBLOCK)) }

  /// has_isolate_pageblock(): whether any of the zone's pageblocks is isolated, so that a migratetype read before
  /// taking the lock, or noted in a page, must be read again. Under the lock.
  @inlinable @inline(__always)
  public var hasIsolatedPageblocks: Bool { isolatedPageblocksField.pointee != 0 }

  /// Pages that steals have added to the watermarks, and pages reserved for atomic requests; read without the lock.
  @inlinable @inline(__always)
  var watermarkBoost: UInt64 { chost_read_once(UnsafeRawPointer(watermarkBoostField)) }

  @inlinable @inline(__always)
  var reservedHighAtomic: UInt64 { chost_read_once(UnsafeRawPointer(reservedHighAtomicField)) }

  @inlinable @inline(__always)
  var freeHighAtomic: UInt64 { chost_read_once(UnsafeRawPointer(freeHighAtomicField)) }

  /// NR_FREE_CMA_PAGES: pages on CMA's lists; part of ``freePages``.
  @inlinable @inline(__always)
  var freeCMAField: UnsafeMutablePointer<UInt64> { field(Int(HB_ZONE_NR_FREE_CMA)) }

  @inlinable @inline(__always)
  public var freeCMA: UInt64 { chost_read_once(UnsafeRawPointer(freeCMAField)) }

  /// Changes NR_FREE_CMA_PAGES, and with it what all but movable requests leave in the zone: for these
  /// __zone_watermark_unusable_free() subtracts it from the free pages. They prefer no zone above HighMem, so that a check
  /// costs nothing in a guest without CMA. A movable request without __GFP_HIGHMEM, which nobody makes, is taken for one of
  /// them.
  @inlinable @inline(__always)
  func addFreeCMA(_ pages: Int) {
    freeCMAField.pointee &+= UInt64(bitPattern: Int64(pages))
    for type in 0...ZoneType.highMem.rawValue {
      field(Int(HB_ZONE_LOWMEM_RESERVE) &+ type &* 8).pointee &+= UInt64(bitPattern: Int64(pages))
    }
  }

  /// The reserve's pages that requests without a right to it don't see as free.
  @inlinable @inline(__always)
  func withheldHighAtomic<Rules: KernelRules>(_: Rules.Type) -> UInt64 {
    Rules.countsFreeHighAtomic ? freeHighAtomic : reservedHighAtomic
  }

  @inlinable @inline(__always)
  func field(_ offset: Int) -> UnsafeMutablePointer<UInt64> {
    UnsafeMutableRawPointer(pointer).advanced(by: offset).assumingMemoryBound(to: UInt64.self)
  }

  /// free_area[order].free_list[migratetype]
  @inlinable @inline(__always)
  public func freeList(order: Int, _ migratetype: Migratetype) -> FreeList {
    FreeList(
      UnsafeMutableRawPointer(pointer)
        .advanced(
          by: Int(HB_ZONE_FREE_AREA) &+ order &* MemoryLayout<FreeArea>.stride
            &+ migratetype.rawValue &* MemoryLayout<ListHead>.stride
        )
        .assumingMemoryBound(to: ListHead.self))
  }

  /// free_area[order].nr_free: blocks of all migratetypes.
  @inlinable @inline(__always)
  public func blocksFree(order: Int) -> UInt64 { freeCounter(order: order).pointee }

  /// nr_free, read without the lock: a hint that may be out of date.
  @inlinable @inline(__always)
  public func blocksFreeUnlocked(order: Int) -> UInt64 { chost_read_once(UnsafeRawPointer(freeCounter(order: order))) }

  @inlinable @inline(__always)
  func freeCounter(order: Int) -> UnsafeMutablePointer<UInt64> {
    UnsafeMutableRawPointer(pointer)
      .advanced(
        by: Int(HB_ZONE_FREE_AREA) &+ order &* MemoryLayout<FreeArea>.stride
          &+ Migratetype.count &* MemoryLayout<ListHead>.stride
      )
      .assumingMemoryBound(to: UInt64.self)
  }

  /// WMARK_MIN, WMARK_LOW, WMARK_HIGH in pages, without the boost.
  public enum Watermark: Int, Sendable, CaseIterable {
    case min, low, high
  }

  @inlinable @inline(__always)
  public func watermark(_ mark: Watermark) -> UInt64 {
    switch mark {
    case .min: field(Int(HB_ZONE_WATERMARK)).pointee
    case .low: field(Int(HB_ZONE_WATERMARK) &+ 8).pointee
    case .high: field(Int(HB_ZONE_WATERMARK) &+ 16).pointee
    }
  }

  /// Pages reserved from allocations that prefer a zone of type `preferred`.
  @inlinable @inline(__always)
  func lowmemReserve(_ preferred: ZoneType) -> Int64 {
    Int64(
      bitPattern: chost_read_once(
        UnsafeRawPointer(pointer) + (Int(HB_ZONE_LOWMEM_RESERVE) &+ preferred.rawValue &* 8)))
  }
}

/// The kernel's `enum zone_type`, lowest addresses first. HighMem is for captures of 32-bit machines.
public enum ZoneType: Int, Sendable, CaseIterable, Comparable {
  case dma = 0
  case dma32, normal, highMem, movable, device

  /// The kernel's spelling, as in /proc/buddyinfo.
  public var name: String { ["DMA", "DMA32", "Normal", "HighMem", "Movable", "Device"][rawValue] }

  /// sysctl_lowmem_reserve_ratio's defaults (mm/page_alloc.c, 6.1); 0 means no reserve.
  var lowmemReserveRatio: UInt64 { [256, 256, 32, 0, 0, 0][rawValue] }

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
