/// The layout of a modelled guest's zones and the constants its kernel was built with. Holds no guest memory.
public struct GuestGeometry: Sendable {
  /// One zone: its span, and the part given to the allocator.
  public struct ZoneExtent: Sendable {
    /// The node, counted from 0 without gaps.
    public var node: Int
    /// The machine's number for the node; captures may have gaps.
    public var nodeID: Int
    public var type: ZoneType
    public var startPFN: UInt64
    public var spannedPages: UInt64
    /// Pages given to the allocator. The rest is holes, the kernel and its memory map.
    public var managedPages: UInt64
    /// Pages at the start and at the end that the allocator doesn't get.
    public var reservedAtStart: UInt64 = 0
    public var reservedAtEnd: UInt64 = 0
    /// The pages that its reserves and per-CPU lists are sized for, where that isn't ``managedPages``: a capture may tell a
    /// zone's size and not its place, and the zone is modelled as large as its free blocks need.
    public var sizedPages: UInt64?
    /// The watermarks; nil: by the kernel's formulas. See ``GuestGeometry/hasWatermarks``.
    public var watermarks: Watermarks?
    /// The reserved pages by the preferred zone's type; nil: by the kernel's formula.
    public var lowmemReserve: [Int64]?
    /// Between what the kernel tunes `high` of each CPU's list (since 6.7); nil: by its formulas.
    public var perCPUHigh: ClosedRange<UInt64>?

    public var endPFN: UInt64 { startPFN + spannedPages }
    /// What the kernel's formulas count.
    var pagesForReserves: UInt64 { sizedPages ?? managedPages }
  }

  public enum VmemmapPage: String, Sendable {
    /// 4 KiB host pages: only touched list heads use memory, which therefore lie closer together than a kernel's.
    case small = "4k"
    /// 4 KiB host pages, all of them given memory from the lowest address up.
    case filled = "4k-filled"
    /// 2 MiB host pages, as the kernel maps its memory map.
    case huge = "2m"

    /// The size of a page.
    public var bytes: UInt64 { self == .huge ? 2 << 20 : 4096 }
  }

  /// The zones by node, lowest addresses first.
  public var zones: [ZoneExtent]
  public var nodeCount: Int
  public var cpuCount: Int
  public var granuleOrder: Int
  public var highestOrder = 10 {
    didSet { pageblockOrder = min(pageSize.hugePageOrder, highestOrder) }
  }
  /// The size of a page. PFNs, and addresses in hints, count pages whatever their size is; ``GuestCore/bytes(_:)`` is for
  /// figures.
  public var pageSize = PageSize.small {
    didSet { pageblockOrder = min(pageSize.hugePageOrder, highestOrder) }
  }
  /// pageblock_order: that of a huge page, or the highest order in a kernel without huge pages.
  public var pageblockOrder = 9
  /// Whether the per-CPU lists have pageblocks, too: a kernel with transparent huge pages.
  public var hasHugePages = true
  /// Whether the kernel has ZONE_DMA32, without which it never sets ALLOC_NOFRAGMENT.
  public var avoidsFragmentation = true
  /// The kernel whose rules the guest follows: the sizes of its per-CPU lists.
  public var kernel = KernelVersion.linux61
  /// Whether the kernel was told to check the struct pages that it hands out and gets back: by init_on_alloc,
  /// init_on_free, page_poison or debug_pagealloc (6.12; init_mem_debugging_and_hardening()). 6.1 checks them anyway.
  public var isToldToCheckPages = false
  /// Whether the kernel was built with CMA and has pageblocks of it.
  public var hasCMA = false
  public var lockKind = LockKind.queued
  public var vmemmapPage = VmemmapPage.huge
  /// False: watermarks are zero and nothing may be allocated; see ``WatermarkSource/none``.
  public var hasWatermarks = true

  public init(zones: [ZoneExtent], nodeCount: Int, cpuCount: Int, granuleOrder: Int) {
    self.zones = zones
    self.nodeCount = nodeCount
    self.cpuCount = cpuCount
    self.granuleOrder = granuleOrder
  }

  /// The PFN after the last page, rounded up to a block of the highest order.
  public var endPFN: UInt64 {
    let end = zones.map(\.endPFN).max() ?? 0
    let block: UInt64 = 1 << UInt64(highestOrder)
    return (end + block - 1) / block * block
  }

  public var managedPages: UInt64 { zones.reduce(0) { $0 + $1.managedPages } }

  /// The node of a modelled CPU. Each node has a contiguous range of CPUs.
  public func node(ofCPU cpu: Int) -> Int { cpu * nodeCount / cpuCount }
  func cpus(ofNode node: Int) -> Int { (0..<cpuCount).count { self.node(ofCPU: $0) == node } }
}

extension GuestGeometry {
  /// 16 MiB and 4 GiB, in pages: MAX_DMA_PFN and MAX_DMA32_PFN (arch/x86/include/asm/dma.h).
  static let endOfDMA: UInt64 = 4096
  static let endOfDMA32: UInt64 = 1 << 20
  /// QEMU reserves [3 GiB, 4 GiB) for PCI and puts the rest of RAM above 4 GiB (hw/i386/pc_piix.c).
  static let startOfHole: UInt64 = 3 << 18
  /// The legacy area below 1 MiB, which an x86-64 PC's allocator doesn't get.
  static let legacyPages: UInt64 = 256

  /// An x86-64 guest with `bytes` (a multiple of 4 MiB, at least 32 MiB) of RAM divided evenly among `nodes`.
  ///
  /// Zones and their boundaries are the kernel's; ZONE_MOVABLE takes the top `movableShare` of each node's Normal
  /// memory, as with `movablecore=`. The kernel and its memory map keep 2 % of each zone above DMA, at the top, where
  /// memblock takes them.
  public static func standard(
    bytes: UInt64, nodes: Int = 1, cpus: Int = 4, granuleOrder: Int = 0, movableShare: Double = 0
  ) -> GuestGeometry {
    let block: UInt64 = 1024
    let pages = bytes >> 12
    let granule: UInt64 = 1 << UInt64(granuleOrder)
    var zones: [ZoneExtent] = []

    /// Converts a RAM page number, counted without the hole, to a PFN.
    func pfn(ofRAMPage page: UInt64) -> UInt64 { page < startOfHole ? page : page - startOfHole + endOfDMA32 }

    for node in 0..<nodes {
      let first = pages / block * UInt64(node) / UInt64(nodes) * block
      let last = pages / block * UInt64(node + 1) / UInt64(nodes) * block
      func add(_ type: ZoneType, _ from: UInt64, _ to: UInt64) {
        guard to > from else { return }
        let span = to - from
        let start: UInt64 = from == 0 ? (legacyPages + granule - 1) / granule * granule : 0
        // DMA keeps all but the legacy area: it holds no kernel image or memory map.
        let end = type == .dma || type == .movable ? 0 : (span / 50 + granule - 1) / granule * granule
        zones.append(
          ZoneExtent(
            node: node, nodeID: node, type: type, startPFN: from, spannedPages: span,
            managedPages: span - start - end, reservedAtStart: start, reservedAtEnd: end))
      }
      let below = min(first, startOfHole)..<min(last, startOfHole)
      add(.dma, below.lowerBound, min(below.upperBound, endOfDMA))
      add(.dma32, max(below.lowerBound, endOfDMA), below.upperBound)
      if last > startOfHole {
        let from = pfn(ofRAMPage: max(first, startOfHole))
        let to = pfn(ofRAMPage: last - 1) + 1
        let movable = UInt64(Double(to - from) * movableShare) / block * block
        add(.normal, from, to - movable)
        add(.movable, to - movable, to)
      }
    }
    return GuestGeometry(zones: zones, nodeCount: nodes, cpuCount: cpus, granuleOrder: granuleOrder)
  }

  /// The zones' watermarks: from the capture if it has them, otherwise by the formulas.
  public var watermarks: [Watermarks] {
    guard hasWatermarks else { return zones.map { _ in Watermarks(min: 0, low: 0, high: 0) } }
    let computed = Watermarks.compute(
      managed: zones.map(\.pagesForReserves), types: zones.map(\.type),
      pageblockPages: 1 << UInt64(pageblockOrder), kernel: kernel, pageBytes: pageSize.bytes)
    return zip(zones, computed).map { $0.watermarks ?? $1 }
  }

  /// setup_per_zone_lowmem_reserve(): pages of each zone reserved from requests that prefer a higher zone of the same
  /// node.
  public var lowmemReserves: [[Int64]] {
    zones.map { zone in
      if let own = zone.lowmemReserve { return own }
      guard hasWatermarks else { return Array(repeating: 0, count: ZoneType.allCases.count) }
      let ratio = zone.type.lowmemReserveRatio
      var above: UInt64 = 0
      return ZoneType.allCases.map { type in
        guard type > zone.type, ratio > 0, zone.pagesForReserves > 0 else { return 0 }
        above += zones.first { $0.node == zone.node && $0.type == type }?.pagesForReserves ?? 0
        return Int64(above / ratio)
      }
    }
  }
}

/// How exactly a guest is modelled: `--granule` and `--vmemmap`, each possibly `auto`.
public struct VmemmapChoice: Sendable, Equatable {
  /// nil: auto.
  public var granuleOrder: Int?
  /// nil: auto.
  public var page: GuestGeometry.VmemmapPage?

  public init(granuleOrder: Int? = nil, page: GuestGeometry.VmemmapPage? = nil) {
    self.granuleOrder = granuleOrder
    self.page = page
  }

  /// The settings to try, in order: exact with the kernel's own mapping, exact with small pages, then coarser and
  /// coarser.
  public var candidates: [(granuleOrder: Int, page: GuestGeometry.VmemmapPage)] {
    let all: [(Int, GuestGeometry.VmemmapPage)] =
      [(0, .huge), (0, page == .filled ? .filled : .small)] + (1...9).map { ($0, .huge) }
    let matching = all.filter { (granuleOrder ?? $0.0) == $0.0 && (page ?? $0.1) == $0.1 }
    if !matching.isEmpty { return matching }
    // Small pages at a coarse granule: not part of auto, but may be asked for.
    return (granuleOrder.map { [$0] } ?? Array(1...9)).map { ($0, page ?? .huge) }
  }

  /// Whether both were given, so that only a guest that doesn't fit at all is refused.
  public var isExplicit: Bool { granuleOrder != nil && page != nil }
}
