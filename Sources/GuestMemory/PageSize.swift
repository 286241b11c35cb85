/// The page sizes of kernels that are captured: `--page-size`.
public enum PageSize: String, Sendable, CaseIterable {
  /// 4 KiB: x86-64, most arm64.
  case small = "4k"
  /// 16 KiB: some arm64, loongarch.
  case medium = "16k"
  /// 64 KiB: some arm64, most ppc64.
  case large = "64k"

  /// PAGE_SHIFT
  public var shift: Int {
    switch self {
    case .small: 12
    case .medium: 14
    case .large: 16
    }
  }

  /// The bytes of a page.
  public var bytes: UInt64 { 1 << UInt64(shift) }

  /// The order of a huge page that one entry of a table of pages maps, as on x86-64 and arm64 (PMD_SHIFT - PAGE_SHIFT).
  public var hugePageOrder: Int { shift - 3 }
}

extension Capture {
  /// The page size that the capture tells; nil if it fits several.
  ///
  /// show_mem prints it. zoneinfo shows it in where Normal begins above DMA32, at 4 GiB, and in the batches of the per-CPU
  /// lists, which zone_batchsize() limits in bytes. Otherwise 11 orders are those of a kernel with 4 KiB pages, and so are
  /// 13 (ppc64); 9 may be those of ppc64 with 64 KiB pages or of a small 32-bit machine, 12 and 14 those of arm64 with
  /// 16 KiB and 64 KiB pages or of a kernel that was configured so.
  public var evidentPageSize: PageSize? {
    if let statedPageSize { return statedPageSize }
    for zone in zones where zone.kind == .normal {
      let isAboveDMA32 = zones.contains {
        $0.nodeID == zone.nodeID && $0.kind == .dma32 && $0.details?.spanned ?? 0 > 0
      }
      guard isAboveDMA32, let start = zone.details?.startPFN else { continue }
      if let size = PageSize.allCases.first(where: { start == (4 << 30) / $0.bytes }) { return size }
    }
    let sizes = PageSize.allCases.filter(fitsBatches)
    if sizes.count == 1 { return sizes[0] }
    return (orders == 11 || orders == 13) && (sizes.isEmpty || sizes.contains(.small)) ? .small : nil
  }

  /// Whether every zone's per-CPU lists have the batch that some kernel computes with pages of this size. The limit was
  /// 512 KiB before 4.20.
  private func fitsBatches(_ size: PageSize) -> Bool {
    zones.lazy.compactMap(\.details).allSatisfy { details in
      details.pagesets.allSatisfy { pageset in
        [512 << 10, 1 << 20].contains { (limit: UInt64) in
          pageset.batch
            == UInt64(Watermarks.batch(managed: details.managed, pageBytes: size.bytes, limitBytes: limit))
        }
      }
    }
  }
}
