/// What differs between kernels in the allocator: a type whose static members are the rules, so that code that is
/// specialised for it has no branch on the version.
///
/// The defaults are Linux 6.1's. A later kernel is a type that says what changed, see ``Linux6_12``.
public protocol KernelRules: Sendable {
  static var version: KernelVersion { get }

  /// The kernel that moves blocks between lists as this one does, with zone->lock held: itself, or an earlier one. That
  /// code is compiled once for both. Rules that it asks are the same in both.
  associatedtype Lists: KernelRules = Self

  // MARK: per-CPU lists

  /// Whether a CPU's `high` follows what it allocates and frees, between `high_min` and `high_max`, and refills grow
  /// (6.7; mm/page_alloc.c, nr_pcp_alloc(), nr_pcp_high()). Otherwise a refill is `batch` pages and `high` is fixed.
  static var tunesPerCPULists: Bool { get }

  /// Whether a page on a per-CPU list keeps the migratetype that it was freed with (page->index). Otherwise the pageblock
  /// is asked again when the list is drained (6.10).
  static var notesMigratetype: Bool { get }

  /// Whether every struct page of a block is checked whenever it is handed out (check_new_pages()), those of a refill
  /// under the lock, and whenever it is freed. Otherwise only where the kernel was told to check pages, and those of a
  /// refill one by one as they are handed out (6.12; static key check_pages_enabled, see
  /// ``GuestGeometry/isToldToCheckPages``).
  static var alwaysChecksPages: Bool { get }

  /// Whether a drain after a free takes `batch` pages a hold, and gives others a chance at the list's lock in between
  /// (mainline; free_unref_page_commit(), thread 20251013190812.787205-1). Otherwise all in one hold.
  static var drainsInBatches: Bool { get }

  /// After so many pages freed in a row, blocks of order 1 to 3 no longer stay on the list (6.7, mainline).
  static func freeHighFrom(batch: Int32, highMin: Int32) -> Int32

  // MARK: free lists

  /// Whether a free block always stands on the list of its pageblock's type (6.10): larger blocks are freed pageblock by
  /// pageblock, merging retags the buddy, and blocks change lists together with their pageblock's type.
  static var keepsListsPure: Bool { get }

  /// Whether a request that finds nothing on its own lists claims a whole pageblock or takes one block and leaves the rest
  /// where it is, and remembers which for the length of a hold (6.12; __rmqueue_claim(), __rmqueue_steal()).
  /// Otherwise it moves blocks to its own lists (__rmqueue_fallback()).
  static var claimsOrSteals: Bool { get }

  // MARK: the HIGHATOMIC reserve

  /// Whether requests without a right to the reserve have its free pages subtracted (6.12; nr_free_highatomic).
  /// Otherwise all of its pageblocks (nr_reserved_highatomic).
  static var countsFreeHighAtomic: Bool { get }

  /// The most pages that the reserve may have, in a zone of so many; 0: none. `pageblock`: pages of a pageblock.
  static func mostHighAtomic(managed: UInt64, pageblock: UInt64) -> UInt64

  /// Whether requests with a right to the reserve have it on their first walk, too, which so takes from it before it comes
  /// to the min mark; never refill a per-CPU list; and add to the reserve only with a block that the zone gave at the min
  /// mark (mainline). Otherwise the first walk grants no rights, and any success of the second adds to it.
  static var atomicsUseReserveFirst: Bool { get }

  /// Whether __GFP_HIGH suffices for the boost not to count against a single page at the min mark (6.12). Otherwise it takes
  /// GFP_ATOMIC.
  static var highIgnoresBoost: Bool { get }

  // MARK: free page reporting

  /// The lowest order that is reported once a device has registered (page_reporting_register()). `parameter`: of module
  /// parameter page_reporting_order, `device`: what the device asks for, each nil where it says nothing.
  static func reportingOrder(parameter: Int?, device: Int?, pageblockOrder: Int) -> Int

  // MARK: ranges

  /// Whether a pageblock that was isolated gets its own type back (mainline; isolation is a bit beside the type). Otherwise the
  /// type that the caller names: movable.
  static var isolationKeepsType: Bool { get }

  /// Whether a range is freed in the largest blocks that it is made of (mainline; free_contig_range()). Otherwise page by page
  /// through the per-CPU lists.
  static var freesRangesWhole: Bool { get }

  // MARK: the balloon

  /// Whether a balloon's list depends on the locks of its pages: a page is locked when it comes in, and deflating skips one
  /// that somebody has locked (mm/balloon_compaction.c); the driver subtracts what comes in from the zone's managed pages.
  /// Otherwise the list's lock alone decides, which is one for all balloons, and the count changes under it (mainline;
  /// mm/balloon.c).
  static var balloonLocksPages: Bool { get }
}

extension KernelRules {
  @inlinable public static var tunesPerCPULists: Bool { false }
  @inlinable public static var notesMigratetype: Bool { true }
  @inlinable public static var alwaysChecksPages: Bool { true }
  @inlinable public static var keepsListsPure: Bool { false }
  @inlinable public static var claimsOrSteals: Bool { false }
  @inlinable public static var countsFreeHighAtomic: Bool { false }
  @inlinable public static func mostHighAtomic(managed: UInt64, pageblock: UInt64) -> UInt64 {
    managed / 100 &+ pageblock
  }
  @inlinable public static var highIgnoresBoost: Bool { false }
  @inlinable public static var drainsInBatches: Bool { false }
  @inlinable public static func freeHighFrom(batch: Int32, highMin: Int32) -> Int32 { batch }
  @inlinable public static var atomicsUseReserveFirst: Bool { false }
  /// The device's order, 0 being none. The parameter is overwritten; what is written to it later isn't checked.
  public static func reportingOrder(parameter: Int?, device: Int?, pageblockOrder: Int) -> Int {
    guard let device, device != 0 else { return pageblockOrder }
    return device
  }
  @inlinable public static var isolationKeepsType: Bool { false }
  @inlinable public static var freesRangesWhole: Bool { false }
  @inlinable public static var balloonLocksPages: Bool { true }
}

/// Linux 6.1.y, as Debian 12 has it (6.1.192).
public enum Linux6_1: KernelRules {
  @inlinable public static var version: KernelVersion { .linux61 }
}
