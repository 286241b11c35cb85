import Instruments

/// A guest CPU whose rules are known at run time alone: a branch a call. For loads that aren't timed. All that changes is in
/// the guest's memory.
public enum AnyGuestCPU {
  case linux61(GuestCPU<NoProbe, NoHooks, Linux6_1>)
  case linux612(GuestCPU<NoProbe, NoHooks, Linux6_12>)
  case mainline(GuestCPU<NoProbe, NoHooks, Mainline>)

  public init(_ guest: Guest, cpu: Int) {
    let node = guest.geometry.node(ofCPU: cpu)
    self =
      switch guest.geometry.kernel {
      case .linux61: .linux61(GuestCPU(guest.core, cpu: cpu, node: node, probe: NoProbe(), rules: Linux6_1.self))
      case .linux612: .linux612(GuestCPU(guest.core, cpu: cpu, node: node, probe: NoProbe(), rules: Linux6_12.self))
      case .mainline: .mainline(GuestCPU(guest.core, cpu: cpu, node: node, probe: NoProbe(), rules: Mainline.self))
      }
  }

  public var core: GuestCore {
    switch self {
    case .linux61(let cpu): cpu.core
    case .linux612(let cpu): cpu.core
    case .mainline(let cpu): cpu.core
    }
  }

  /// See ``GuestCPU/allocate(order:_:onNode:)``.
  public mutating func allocate(order: Int, _ gfp: GFP) -> UInt64? {
    switch self {
    case .linux61(var cpu): cpu.allocate(order: order, gfp)
    case .linux612(var cpu): cpu.allocate(order: order, gfp)
    case .mainline(var cpu): cpu.allocate(order: order, gfp)
    }
  }

  /// See ``GuestCPU/free(pfn:order:)``.
  public mutating func free(pfn: UInt64, order: Int) {
    switch self {
    case .linux61(var cpu): cpu.free(pfn: pfn, order: order)
    case .linux612(var cpu): cpu.free(pfn: pfn, order: order)
    case .mainline(var cpu): cpu.free(pfn: pfn, order: order)
    }
  }

  /// See ``GuestCPU/decayPerCPULists()``.
  public mutating func decayPerCPULists() {
    switch self {
    case .linux61(var cpu): cpu.decayPerCPULists()
    case .linux612(var cpu): cpu.decayPerCPULists()
    case .mainline(var cpu): cpu.decayPerCPULists()
    }
  }

  /// See ``GuestCPU/drainPerCPULists()``.
  public mutating func drainPerCPULists() {
    switch self {
    case .linux61(var cpu): cpu.drainPerCPULists()
    case .linux612(var cpu): cpu.drainPerCPULists()
    case .mainline(var cpu): cpu.drainPerCPULists()
    }
  }

  /// See ``GuestCPU/isolate(pageblock:of:)``.
  public mutating func isolate(pageblock pfn: UInt64, of zone: Zone) -> Bool {
    switch self {
    case .linux61(var cpu): cpu.isolate(pageblock: pfn, of: zone)
    case .linux612(var cpu): cpu.isolate(pageblock: pfn, of: zone)
    case .mainline(var cpu): cpu.isolate(pageblock: pfn, of: zone)
    }
  }

  /// See ``GuestCPU/unisolate(pageblock:of:)``.
  public mutating func unisolate(pageblock pfn: UInt64, of zone: Zone) {
    switch self {
    case .linux61(var cpu): cpu.unisolate(pageblock: pfn, of: zone)
    case .linux612(var cpu): cpu.unisolate(pageblock: pfn, of: zone)
    case .mainline(var cpu): cpu.unisolate(pageblock: pfn, of: zone)
    }
  }

  /// What reporting does with a batch: takes up to `most` blocks off the head of a list in one hold, and gives them back
  /// in another. Returns how many it could take.
  public mutating func takeAndPutBack(_ zone: Zone, order: Int, _ type: Migratetype, most: Int) -> Int {
    switch self {
    case .linux61(var cpu): cpu.takeAndPutBack(zone, order: order, type, most: most)
    case .linux612(var cpu): cpu.takeAndPutBack(zone, order: order, type, most: most)
    case .mainline(var cpu): cpu.takeAndPutBack(zone, order: order, type, most: most)
    }
  }
}

extension GuestCPU {
  mutating func takeAndPutBack(_ zone: Zone, order: Int, _ type: Migratetype, most: Int) -> Int {
    let pages = withZoneLocked(zone) { hold in
      var pages: [Page] = []
      while pages.count < most, let page = hold.freeList(order: order, type).first, hold.isolate(page) {
        pages.append(page)
      }
      return pages
    }
    withZoneLocked(zone) { hold in
      for page in pages { hold.putBack(page, order: order, hold.core.pageblockMigratetype(hold.core.pfn(page))) }
    }
    return pages.count
  }
}
