/// What /proc/zoneinfo adds to a zone: its place, size and watermarks. All figures are pages of 4 KiB.
///
/// A capture that was read without error has `min <= low <= high`, `managed <= present <= spanned`, and a span below
/// 2^52 bytes, the highest physical address of x86-64.
public struct ZoneDetails: Equatable, Sendable {
  /// First PFN of the span.
  public var startPFN: UInt64
  /// Pages from the first to the last, holes included.
  public var spanned: UInt64
  /// Pages that exist.
  public var present: UInt64
  /// Pages that the buddy allocator was given.
  public var managed: UInt64
  /// The three watermarks as printed. Since Linux 5.0 they include `boost` (`min_wmark_pages` and its like).
  public var min: UInt64
  public var low: UInt64
  public var high: UInt64
  /// The watermark boost then in force; nil if the kernel is too old to print it.
  public var boost: UInt64?
  /// The promotion watermark; nil if the kernel is too old to print it.
  public var promo: UInt64?
  /// `lowmem_reserve`, by the zone that an allocation would rather have had; empty if the file has none.
  public var protection: [UInt64]
  /// The per-cpu lists, in the file's order of CPUs.
  public var pagesets: [CapturedPageset]

  public init(
    startPFN: UInt64, spanned: UInt64, present: UInt64, managed: UInt64, min: UInt64, low: UInt64, high: UInt64,
    boost: UInt64? = nil, promo: UInt64? = nil, protection: [UInt64] = [], pagesets: [CapturedPageset] = []
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
    self.protection = protection
    self.pagesets = pagesets
  }

  /// One past the last PFN of the span.
  public var endPFN: UInt64 { startPFN + spanned }

  /// How many naturally aligned blocks of `order` (0...63) lie wholly inside the span, holes not considered.
  public func alignedBlocks(order: Int) -> UInt64 {
    let first = (startPFN >> UInt64(order)) + (startPFN & ((1 << UInt64(order)) - 1) == 0 ? 0 : 1)
    let end = endPFN >> UInt64(order)
    return end > first ? end - first : 0
  }
}
