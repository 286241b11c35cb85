/// The state of an allocator as a kernel's probe dumps it: what decides which block is handed out next, and what the
/// model must hold after the same operations.
public struct KernelState: Equatable, Sendable {
  /// A list's blocks, in list order.
  public struct List: Equatable, Sendable {
    public var order: Int
    public var type: Int
    public var pfns: [UInt64]

    public init(order: Int, type: Int, pfns: [UInt64]) {
      self.order = order
      self.type = type
      self.pfns = pfns
    }
  }

  /// A CPU's lists of one zone. `free_factor` is of kernels before 6.7.
  public struct PerCPU: Equatable, Sendable {
    public var count = 0
    public var high = 0
    public var batch = 0
    public var freeFactor = 0
    /// Of 6.7 and later; `flags`: PCPF_*.
    public var highMin = 0
    public var highMax = 0
    public var allocFactor = 0
    public var freeCount = 0
    public var flags = 0
    /// By the kernel's index (order_to_pindex()); empty ones are left out.
    public var lists: [Int: [UInt64]] = [:]
    /// Of them, those that go back to HIGHATOMIC's lists (get_pcppage_migratetype()).
    public var highAtomic: Set<UInt64> = []

    public init() {}
  }

  public struct Zone: Equatable, Sendable {
    public var node = 0
    public var name = ""
    public var startPFN: UInt64 = 0
    public var spannedPages: UInt64 = 0
    public var managedPages: UInt64 = 0
    public var watermarks = Watermarks(min: 0, low: 0, high: 0)
    public var boost: UInt64 = 0
    public var highAtomic: UInt64 = 0
    /// ZONE_BELOW_HIGH (6.7).
    public var isBelowHigh = false
    public var freePages: UInt64 = 0
    public var blocksFree: [Int] = []
    /// Empty ones are left out.
    public var lists: [List] = []
    public var pageblockOrder = 9
    /// The types of the pageblocks from the one that the zone starts in.
    public var pageblocks: [Int] = []
    /// By CPU.
    public var perCPU: [PerCPU] = []

    public init() {}
  }

  public var zones: [Zone] = []

  public init() {}

  /// As ``GuestSnapshot/adjacency(fromOrder:)``.
  public func adjacency(fromOrder order: Int) -> Double? {
    GuestSnapshot.adjacency(zones.lazy.flatMap(\.lists).map { ($0.order, $0.pfns) }, fromOrder: order)
  }

  /// The first difference to another state, in words that name the place and both values; nil if there is none.
  public func difference(to other: KernelState) -> String? {
    for (one, two) in zip(zones, other.zones) where one != two { return one.difference(to: two) }
    return zones.count == other.zones.count ? nil : "zones: \(zones.count), \(other.zones.count)"
  }
}

extension KernelState.Zone {
  fileprivate func difference(to other: Self) -> String {
    let place = "node \(node), zone \(name)"
    let numbers: [(String, UInt64, UInt64)] = [
      ("NR_FREE_PAGES", freePages, other.freePages), ("watermark_boost", boost, other.boost),
      ("nr_reserved_highatomic", highAtomic, other.highAtomic),
    ]
    for (what, one, two) in numbers where one != two { return "\(place): \(what) \(one), \(two)" }
    for (order, (one, two)) in zip(blocksFree, other.blocksFree).enumerated() where one != two {
      return "\(place): nr_free of order \(order) \(one), \(two)"
    }
    let keys = Set(lists.map { [$0.order, $0.type] }).union(other.lists.map { [$0.order, $0.type] })
    for key in keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      func list(_ zone: Self) -> [UInt64] { zone.lists.first { [$0.order, $0.type] == key }?.pfns ?? [] }
      if let words = Self.difference(list(self), list(other)) {
        return "\(place): free list of order \(key[0]), \(Migratetype(rawValue: key[1]).name): \(words)"
      }
    }
    for (number, (one, two)) in zip(pageblocks, other.pageblocks).enumerated() where one != two {
      return "\(place): pageblock \(number) \(one), \(two)"
    }
    for (cpu, (one, two)) in zip(perCPU, other.perCPU).enumerated() where one != two {
      for index in Set(one.lists.keys).union(two.lists.keys).sorted() {
        if let words = Self.difference(one.lists[index] ?? [], two.lists[index] ?? []) {
          return "\(place): CPU \(cpu)'s list \(index): \(words)"
        }
      }
      if one.highAtomic != two.highAtomic {
        return "\(place): CPU \(cpu)'s blocks of HIGHATOMIC: \(one.highAtomic.count), \(two.highAtomic.count)"
      }
      return "\(place): CPU \(cpu): count \(one.count), \(two.count); high \(one.high), \(two.high); free_factor "
        + "\(one.freeFactor), \(two.freeFactor); alloc_factor \(one.allocFactor), \(two.allocFactor); free_count "
        + "\(one.freeCount), \(two.freeCount); flags \(one.flags), \(two.flags)"
    }
    if isBelowHigh != other.isBelowHigh { return "\(place): ZONE_BELOW_HIGH \(isBelowHigh), \(other.isBelowHigh)" }
    return "\(place): its size or watermarks"
  }

  private static func difference(_ one: [UInt64], _ two: [UInt64]) -> String? {
    if one == two { return nil }
    let at = zip(one, two).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(one.count, two.count)
    func entry(_ list: [UInt64]) -> String { at < list.count ? "PFN \(list[at])" : "its end" }
    return "entry \(at) is \(entry(one)), \(entry(two)) (lengths \(one.count), \(two.count))"
  }
}

extension GuestGeometry {
  /// The geometry of a kernel that was dumped.
  ///
  /// - Throws: ``GuestError`` if a zone's name isn't known.
  public init(_ state: KernelState, kernel: KernelVersion) throws(GuestError) {
    var zones: [ZoneExtent] = []
    for zone in state.zones {
      guard let type = ZoneType.allCases.first(where: { $0.name == zone.name }) else {
        throw .badGeometry("zone \(zone.name) isn't known")
      }
      var extent = ZoneExtent(
        node: zone.node, nodeID: zone.node, type: type, startPFN: zone.startPFN, spannedPages: zone.spannedPages,
        managedPages: zone.managedPages)
      extent.watermarks = zone.watermarks
      zones.append(extent)
    }
    self.init(
      zones: zones, nodeCount: (state.zones.map(\.node).max() ?? 0) + 1,
      cpuCount: state.zones.map(\.perCPU.count).max() ?? 1, granuleOrder: 0)
    self.kernel = kernel
    takeBuild(of: state)
  }

  /// What the kernel was built with, as far as its dump tells.
  mutating func takeBuild(of state: KernelState) {
    pageblockOrder = state.zones.first?.pageblockOrder ?? 9
    // Without huge pages a pageblock is of the highest order; such a kernel, User Mode Linux, has no ZONE_DMA32 either,
    // which ALLOC_NOFRAGMENT needs.
    hasHugePages = pageblockOrder < highestOrder
    avoidsFragmentation = hasHugePages
  }
}

extension Guest {
  /// Fills the guest with a kernel's state, per-CPU lists included. Memory that is neither free nor on one of them is in
  /// use.
  public func fill(_ state: KernelState) {
    requireEmpty()
    for zone in core.zones {
      for pfn in zone.startPFN..<zone.endPFN { core.page(pfn).pointer.pointee.refcount = 1 }
    }
    place(state)
    for (zone, image) in zones(of: state) {
      for (cpu, lists) in image.perCPU.enumerated() {
        let pcp = core.perCPUList(zone, cpu: cpu)
        pcp.countField.pointee = Int32(clamping: lists.count)
        pcp.highField.pointee = Int32(clamping: lists.high)
        pcp.pointer.pointee.high_min = Int32(clamping: lists.highMin)
        pcp.pointer.pointee.high_max = Int32(clamping: lists.highMax)
        pcp.allocFactorField.pointee = UInt8(clamping: lists.allocFactor)
        pcp.freeCountField.pointee = Int16(clamping: lists.freeCount)
        pcp.flagsField.pointee = UInt8(clamping: lists.flags)
        pcp.pointer.pointee.batch = Int32(clamping: lists.batch)
        pcp.freeFactorField.pointee = Int16(clamping: lists.freeFactor)
        for (index, pfns) in lists.lists {
          for pfn in pfns {
            let page = core.page(pfn)
            release(pfn, order: PerCPUList.order(index: index, pageblockOrder: core.pageblockOrder))
            page.pointer.pointee.flags = Page.zoneBits(zone.index)
            page.pointer.pointee.page_type = Page.typeNone
            page.pointer.pointee.index =
              lists.highAtomic.contains(pfn)
              ? UInt64(Migratetype.highAtomic.rawValue) : UInt64(index % Migratetype.pcpTypes)
            pcp.list(index).addTail(page)
          }
        }
      }
    }
  }

  /// Puts a kernel's free blocks on the lists, in their order, with its counters and pageblocks.
  func place(_ state: KernelState) {
    for (zone, image) in zones(of: state) {
      zone.freePagesField.pointee = image.freePages
      zone.watermarkBoostField.pointee = image.boost
      zone.reservedHighAtomicField.pointee = image.highAtomic
      zone.isBelowHigh = image.isBelowHigh
      zone.freeHighAtomicField.pointee = image.lists.reduce(0) {
        $1.type == Migratetype.highAtomic.rawValue ? $0 + UInt64($1.pfns.count) << UInt64($1.order) : $0
      }
      zone.isolatedPageblocksField.pointee = UInt64(image.pageblocks.count { $0 == Migratetype.isolate.rawValue })
      for (number, type) in image.pageblocks.enumerated() {
        let pfn = (image.startPFN >> UInt64(core.pageblockOrder) + UInt64(number)) << UInt64(core.pageblockOrder)
        core.setPageblockMigratetype(pfn, Migratetype(rawValue: type))
      }
      for list in image.lists {
        let type = Migratetype(rawValue: list.type)
        for pfn in list.pfns {
          let page = core.page(pfn)
          release(pfn, order: list.order)
          page.pointer.pointee.flags = Page.zoneBits(zone.index)
          core.addToFreeList(page, zone, order: list.order, type, toTail: true)
        }
      }
    }
  }

  /// The guest's zones, each with its image.
  private func zones(of state: KernelState) -> [(Zone, KernelState.Zone)] {
    core.zones.compactMap { zone in
      let nodeID = geometry.zones[zone.index].nodeID
      let name = geometry.zones[zone.index].type.name
      return state.zones.first { $0.node == nodeID && $0.name == name }.map { (zone, $0) }
    }
  }

  private func release(_ pfn: UInt64, order: Int) {
    for page in pfn..<(pfn + 1 << UInt64(order)) where core.page(page).pointer.pointee.refcount != 0 {
      core.page(page).pointer.pointee.refcount = 0
    }
  }

  /// The state as a kernel's probe would dump it. `like` says what the model doesn't change.
  public func kernelState(like start: KernelState) -> KernelState {
    var state = start
    for (index, zone) in core.zones.enumerated() {
      state.zones[index].freePages = zone.freePages
      state.zones[index].boost = zone.watermarkBoost
      state.zones[index].highAtomic = zone.reservedHighAtomic
      state.zones[index].isBelowHigh = zone.isBelowHigh
      state.zones[index].blocksFree = (0...core.highestOrder).map { Int(zone.blocksFree(order: $0)) }
      var lists: [KernelState.List] = []
      for order in 0...core.highestOrder {
        for type in Migratetype.allCases {
          let list = zone.freeList(order: order, type)
          if !list.isEmpty { lists.append(.init(order: order, type: type.rawValue, pfns: list.map(core.pfn))) }
        }
      }
      state.zones[index].lists = lists
      state.zones[index].pageblocks = core.pageblocks(of: zone).map(Int.init)
      for cpu in state.zones[index].perCPU.indices {
        let pcp = core.perCPUList(zone, cpu: cpu)
        var image = state.zones[index].perCPU[cpu]
        image.count = pcp.count
        image.high = pcp.high
        image.freeFactor = Int(pcp.freeFactorField.pointee)
        image.allocFactor = Int(pcp.allocFactorField.pointee)
        image.freeCount = Int(pcp.freeCountField.pointee)
        image.flags = Int(pcp.flagsField.pointee)
        image.lists = [:]
        image.highAtomic = []
        for number in 0..<PerCPUList.listCount where !pcp.list(number).isEmpty {
          image.lists[number] = pcp.list(number).map(core.pfn)
          // Later kernels note nothing.
          if geometry.kernel != .linux61 { continue }
          let noted = pcp.list(number).filter { $0.pointer.pointee.index == UInt64(Migratetype.highAtomic.rawValue) }
          image.highAtomic.formUnion(noted.map(core.pfn))
        }
        state.zones[index].perCPU[cpu] = image
      }
    }
    return state
  }
}

extension GuestCore {
  /// A movable page whose user doesn't add it to the LRU lists: a driver's.
  public func keepOffLRU(_ pfn: UInt64) { page(pfn).pointer.pointee.flags &= ~Page.flagLRU }
}
