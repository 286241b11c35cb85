/// Where the watermarks and reserves of a guest's zones are from: column `watermarks`.
public enum WatermarkSource: String, Sendable, CaseIterable {
  /// A captured machine's own, from zoneinfo.
  case captured
  /// The kernel's formulas for zones of these sizes.
  case computed
  /// Unknown: they are zero, and nothing may be allocated.
  case none
}

/// The kernel's sizing of a zone's reserves and per-CPU lists (mm/page_alloc.c and mm/khugepaged.c, 6.1). All in pages.
public struct Watermarks: Equatable, Sendable {
  public var min: UInt64
  public var low: UInt64
  public var high: UInt64

  public init(min: UInt64, low: UInt64, high: UInt64) {
    self.min = min
    self.low = low
    self.high = high
  }

  /// watermark_scale_factor's default: low and high are this many ten-thousandths of the zone apart, at least min/4.
  static let scaleFactor: UInt64 = 10

  /// init_per_zone_wmark_min(), khugepaged's raise and setup_per_zone_wmarks() combined.
  ///
  /// `managed`: pages of every populated zone. `types`: of each; no kernel memory comes from HighMem and Movable, which
  /// therefore don't count (nr_free_buffer_pages()). `pageblockPages`: pages of a pageblock (512).
  /// `pageBytes`: of a page, in which min_free_kbytes is converted.
  public static func compute(
    managed: [UInt64], types: [ZoneType], pageblockPages: UInt64 = 512, kernel: KernelVersion = .linux61,
    pageBytes: UInt64 = 4096
  ) -> [Watermarks] {
    let pageKiB = pageBytes >> 10
    let low = types.map { $0 <= .normal }
    let lowmem = zip(managed, low).filter(\.1).reduce(0) { $0 + $1.0 }
    // calculate_min_free_kbytes()
    var minFreeKiB = Swift.min(Swift.max(integerSquareRoot(lowmem * pageKiB * 16), 128), 262_144)
    // set_recommended_min_free_kbytes(): two pageblocks a zone, and one a pair of migratetypes.
    let zones = UInt64(low.count { $0 })
    let recommended = Swift.min(pageblockPages * zones * (2 + 9), lowmem / 20)
    minFreeKiB = Swift.max(minFreeKiB, recommended * pageKiB)

    let minFreePages = minFreeKiB / pageKiB
    // HighMem keeps few pages, and the others share all. 6.1 gives ZONE_MOVABLE its share; since 6.7 it is as HighMem.
    let keepsFew = types.map { $0 == .highMem || $0 == .movable && kernel != .linux61 }
    let total = zip(managed, keepsFew).filter { !$0.1 }.reduce(0) { $0 + $1.0 }
    return zip(managed, keepsFew).map { pages, keepsFew in
      let share = total == 0 ? 0 : minFreePages * pages / total
      let distance = Swift.max(share / 4, pages * scaleFactor / 10_000)
      let min = keepsFew ? Swift.max(32, Swift.min(pages / 1024, 128)) : share
      return Watermarks(min: min, low: min + distance, high: min + 2 * distance)
    }
  }

  /// zone_batchsize(): pages moved between a per-CPU list and the zone in one hold: of a thousandth of the zone, at most
  /// `limitBytes`, a quarter. `pageBytes`: of a page.
  public static func batch(
    managed: UInt64, kernel: KernelVersion = .linux61, pageBytes: UInt64 = 4096, limitBytes: UInt64 = 1 << 20
  ) -> Int {
    let limit = limitBytes / pageBytes
    // Written differently in mainline; the numbers are the same.
    let batch =
      kernel == .mainline
      ? Swift.max(Swift.min(managed >> 12, limit / 4), 1) : Swift.max(Swift.min(managed >> 10, limit) / 4, 1)
    let rounded = UInt64(1) << UInt64(63 - (batch + batch / 2).leadingZeroBitCount)
    return Swift.max(Int(rounded) - 1, 1)
  }

  /// zone_highsize(): the zone's low watermark divided among the node's CPUs, at least four batches.
  public static func perCPUHigh(low: UInt64, cpusOfNode: Int, batch: Int) -> Int {
    Swift.max(Int(low) / Swift.max(cpusOfNode, 1), 4 * batch)
  }

  /// int_sqrt()
  static func integerSquareRoot(_ n: UInt64) -> UInt64 {
    var root = UInt64(Double(n).squareRoot())
    while root * root > n { root -= 1 }
    while (root + 1) * (root + 1) <= n { root += 1 }
    return root
  }
}
