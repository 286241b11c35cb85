/// A zone's place, size and watermarks, from /proc/zoneinfo, or without a place from a kernel's log. All figures are
/// pages.
///
/// A capture that was read without error has `min <= low <= high`, `managed <= present <= spanned`, and a span below
/// 2^52 bytes, the highest physical address of x86-64.
public struct ZoneDetails: Equatable, Sendable {
  /// Whether the span is known; a kernel's log doesn't tell it: ``startPFN`` is 0 then, and ``spanned`` is ``present``.
  public var hasPlace = true
  /// The first PFN of the span.
  public var startPFN: UInt64
  /// Pages from the first to the last, holes included.
  public var spanned: UInt64
  /// Pages that exist.
  public var present: UInt64
  /// Pages given to the buddy allocator.
  public var managed: UInt64
  /// The three watermarks as printed. Since Linux 5.0 they include `boost` (`min_wmark_pages` and the like).
  public var min: UInt64
  public var low: UInt64
  public var high: UInt64
  /// The watermark boost in force; nil if the kernel is too old to print it.
  public var boost: UInt64?
  /// The promotion watermark; nil if the kernel is too old to print it.
  public var promo: UInt64?
  /// Free pages of CMA (`nr_free_cma`), which only movable requests may take; nil if the kernel doesn't print them.
  public var freeCMA: UInt64?
  /// `lowmem_reserve`, by the zone that an allocation prefers; empty if the file has none.
  public var protection: [UInt64]
  /// The per-CPU lists, in the file's order of CPUs.
  public var pagesets: [CapturedPageset]

  public init(
    startPFN: UInt64, spanned: UInt64, present: UInt64, managed: UInt64, min: UInt64, low: UInt64, high: UInt64,
    boost: UInt64? = nil, promo: UInt64? = nil, freeCMA: UInt64? = nil, protection: [UInt64] = [],
    pagesets: [CapturedPageset] = []
  ) {
    self.startPFN = startPFN
    self.spanned = spanned
    self.present = present
    self.managed = managed
    self.min = min
    self.low = low
    self.high = high
    self.boost = boost
    self.promo = promo
    self.freeCMA = freeCMA
    self.protection = protection
    self.pagesets = pagesets
  }

  /// The PFN after the span.
  public var endPFN: UInt64 { startPFN + spanned }

  /// What is in the wrong order of size; nil if nothing is.
  var disorder: (isOfWatermarks: Bool, what: String, accepted: String)? {
    guard min <= low, low <= high else {
      return (true, "watermarks min \(min), low \(low), high \(high)", "min <= low <= high")
    }
    guard managed <= present, present <= spanned else {
      return (false, "managed \(managed), present \(present), spanned \(spanned)", "managed <= present <= spanned")
    }
    return nil
  }

  /// Returns the number of naturally aligned blocks of `order` (0...63) wholly inside the span, ignoring holes.
  public func alignedBlocks(order: Int) -> UInt64 {
    let first = (startPFN >> UInt64(order)) + (startPFN & ((1 << UInt64(order)) - 1) == 0 ? 0 : 1)
    let end = endPFN >> UInt64(order)
    return end > first ? end - first : 0
  }
}

/// A CPU's per-CPU page lists in one zone, from /proc/zoneinfo.
public struct CapturedPageset: Equatable, Sendable {
  /// The CPU's number; the kernel leaves out offline CPUs.
  public var cpu: Int
  /// The number of pages on the lists, which aren't in the free areas.
  public var count: UInt64
  /// The number of pages above which the lists are drained.
  public var high: UInt64
  /// The number of pages per refill.
  public var batch: UInt64
  /// `high_min` and `high_max`, between which the kernel tunes ``high``; nil if it doesn't print them.
  public var tuning: ClosedRange<UInt64>?

  public init(cpu: Int, count: UInt64, high: UInt64, batch: UInt64, tuning: ClosedRange<UInt64>? = nil) {
    self.cpu = cpu
    self.count = count
    self.high = high
    self.batch = batch
    self.tuning = tuning
  }
}
