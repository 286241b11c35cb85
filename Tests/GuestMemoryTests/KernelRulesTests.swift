import Instruments
import Testing

@testable import GuestMemory

/// Where kernels differ: each rule's case, with what each of them does.
@Suite struct KernelRulesTests {
  /// What the kernels are expected to do, in their order.
  private func expect<Figures: Equatable>(
    _ expected: [Figures], _ figures: (KernelVersion) throws -> Figures,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for (kernel, wanted) in zip(KernelVersion.allCases, expected) {
      let found = try figures(kernel)
      #expect(found == wanted, "\(kernel.rawValue)", sourceLocation: sourceLocation)
    }
  }

  /// A guest of one zone of 4 GiB and four CPUs, whose lists hold 3000 to 32768 pages.
  private func guest(_ kernel: KernelVersion, marks: Watermarks = Watermarks(min: 8000, low: 12_000, high: 16_000))
    throws
    -> Guest
  {
    try .fresh(.bare([0..<(1 << 20)], cpus: 4, marks: marks, kernel: kernel))
  }

  /// Runs with the guest's rules on one of its CPUs, holds counted.
  private func on<Value>(
    _ guest: Guest, cpu: Int = 0, _ body: (inout AnyCountingCPU) throws -> Value
  ) rethrows -> Value {
    var own = AnyCountingCPU(guest, cpu: cpu)
    return try body(&own)
  }

  private func pcp(_ guest: Guest, cpu: Int = 0) -> PerCPUList { guest.core.perCPUList(guest.core.zone(0), cpu: cpu) }

  // MARK: per-CPU lists

  @Test func listsHoldWhatTheMarksAndTheZoneAllow() throws {
    try expect([[3000, 0, 0], [0, 3000, 32_768], [0, 3000, 32_768]]) { kernel in
      let guest = try guest(kernel)
      let list = pcp(guest)
      defer { withExtendedLifetime(guest) {} }
      return [list.high, Int(list.pointer.pointee.high_min), Int(list.pointer.pointee.high_max)]
    }
    #expect(KernelVersion.allCases.map { Watermarks.batch(managed: 176_128, kernel: $0) } == [63, 63, 63])
    #expect(KernelVersion.allCases.map { Watermarks.batch(managed: 12_287, kernel: $0) } == [1, 1, 1])
  }

  /// Takes pages until the list was refilled so often. Returns the pages of each refill, and `high` after it.
  private func refills(_ count: Int, _ kernel: KernelVersion) throws -> (pages: [Int], highs: [Int]) {
    let guest = try guest(kernel)
    return try on(guest) { cpu in
      var pages: [Int] = []
      var highs: [Int] = []
      while pages.count < count {
        _ = try cpu.mustAllocate(order: 0)
        for hold in cpu.takeHolds() {
          pages.append(hold)
          highs.append(pcp(guest).high)
        }
      }
      return (pages, highs)
    }
  }

  @Test func refillsDoubleWhileNothingIsFreed() throws {
    let growing = [63, 126, 252, 504, 1008, 2016, 2016]
    try expect([Array(repeating: 63, count: 7), growing, growing]) { try refills(7, $0).pages }
  }

  @Test func highGrowsWithWhatIsTaken() throws {
    let grown = [3063, 3189, 3441, 3945, 4953, 6969, 8985]
    try expect([Array(repeating: 3000, count: 7), grown, grown]) { try refills(7, $0).highs }
  }

  /// So many blocks, taken on another CPU.
  private func blocks(_ guest: Guest, _ count: Int, order: Int) throws -> [UInt64] {
    try on(guest, cpu: 1) { cpu in
      try (0..<count).map { _ in try cpu.mustAllocate(order: order) }
    }
  }

  @Test func threeThousandFreesInARowDrain() throws {
    try expect([[[63], [2937]], [[2016], [984]], [Array(repeating: 63, count: 32), [984]]]) { kernel in
      let guest = try guest(kernel)
      let pages = try blocks(guest, 3000, order: 0)
      return on(guest) { cpu in
        for pfn in pages { cpu.free(pfn: pfn, order: 0) }
        return [cpu.takeHolds(), [pcp(guest).count]]
      }
    }
  }

  @Test func blocksOfOrderThreeLeaveTheList() throws {
    // Holds and what is left after 9 frees, and after 197.
    let batches = Array(repeating: 8, count: 24) + [5]
    try expect([
      [[], [72], [], [1576]], [[9], [0], Array(repeating: 1, count: 188), [0]], [[], [72], batches, [0]],
    ]) { kernel in
      let guest = try guest(kernel)
      let all = try blocks(guest, 197, order: 3)
      return on(guest) { cpu in
        for pfn in all.prefix(9) { cpu.free(pfn: pfn, order: 3) }
        let first = [cpu.takeHolds(), [pcp(guest).count]]
        for pfn in all.dropFirst(9) { cpu.free(pfn: pfn, order: 3) }
        return first + [cpu.takeHolds(), [pcp(guest).count]]
      }
    }
  }

  @Test func highDecaysEachTick() throws {
    // High and count after three ticks, and the holds of each.
    let sinking = [[6098, 6000, 0], [5336, 5336, 11], [4669, 4669, 11]]
    try expect([[[3000, 6000, 0], [3000, 6000, 0], [3000, 6000, 0]], sinking, sinking]) { kernel in
      let guest = try guest(kernel)
      let pages = try blocks(guest, 6000, order: 0)
      let list = pcp(guest)
      // On the list as they are, without what frees do to it.
      for pfn in pages { list.list(PerCPUList.index(order: 0, .movable)).addHead(guest.core.page(pfn)) }
      list.countField.pointee = 6000
      if kernel != .linux61 { list.highField.pointee = 6969 }
      return on(guest) { cpu in
        (0..<3).map { _ in
          cpu.decay()
          return [list.high, list.count, cpu.takeHolds().count]
        }
      }
    }
  }

  @Test func aFullDrainTakes2016PagesAHold() throws {
    try expect(Array(repeating: [2016, 2016, 968], count: 3)) { kernel in
      let guest = try guest(kernel)
      let pages = try blocks(guest, 5000, order: 0)
      let list = pcp(guest)
      for pfn in pages { list.list(PerCPUList.index(order: 0, .movable)).addHead(guest.core.page(pfn)) }
      list.countField.pointee = 5000
      return on(guest) { cpu in
        cpu.drain()
        return cpu.takeHolds()
      }
    }
  }

  @Test func aPageGoesBackAsWhatItWasOrIs() throws {
    // Freed while movable; its pageblock is unmovable by the drain.
    try expect([[1, 0], [0, 1], [0, 1]]) { kernel in
      let guest = try Guest.fresh(.bare([0..<1024], kernel: kernel))
      return try on(guest) { cpu in
        let pfn = try cpu.mustAllocate(order: 10)
        guest.core.setPageblockMigratetypes(pfn, order: 10, .movable)
        // One page of it alone, by way of its per-CPU list.
        guest.core.page(pfn + 7).pointer.pointee.flags = guest.core.page(pfn).pointer.pointee.flags
        guest.core.page(pfn + 7).pointer.pointee.refcount = 1
        cpu.free(pfn: pfn + 7, order: 0)
        guest.core.setPageblockMigratetypes(pfn, order: 10, .unmovable)
        cpu.drain()
        return [guest.pfns(order: 0, .movable).count, guest.pfns(order: 0, .unmovable).count]
      }
    }
  }

  // MARK: free lists

  @Test func aBlockOfTwoTypesIsFreedAsOneOrAsTwo() throws {
    try expect([["movable", "unmovable", "1"], ["unmovable", "unmovable", "1"], ["unmovable", "unmovable", "1"]]) {
      kernel in
      let guest = try Guest.fresh(.bare([0..<1024], kernel: kernel))
      return try on(guest) { cpu in
        let pfn = try cpu.mustAllocate(order: 10)
        guest.core.setPageblockMigratetype(512, .unmovable)
        cpu.free(pfn: pfn, order: 10)
        let list: Migratetype = kernel == .linux61 ? .movable : .unmovable
        return [
          guest.core.pageblockMigratetype(0).name.lowercased(), guest.core.pageblockMigratetype(512).name.lowercased(),
          "\(guest.pfns(order: 10, list).count)",
        ]
      }
    }
  }

  /// 16 pageblocks in which nothing is free, the first ones of these types.
  private func taken(_ kernel: KernelVersion, _ types: Migratetype...) throws -> Guest {
    let guest = try Guest.fresh(.bare([0..<8192], marks: Watermarks(min: 0, low: 0, high: 100_000), kernel: kernel))
    on(guest) { cpu in while cpu.allocate(order: 10, .userMovable) != nil {} }
    for (index, type) in types.enumerated() { guest.core.setPageblockMigratetype(UInt64(index) * 512, type) }
    return guest
  }

  /// Frees a block in the middle of what is in use.
  private func put(_ guest: Guest, _ pfn: UInt64, order: Int) {
    on(guest) { $0.put(pfn, order: order) }
  }

  @Test func movableStealsFromUnmovable() throws {
    // P0 has a block of order 3, P1 one of order 5, both unmovable, the rest in use. What is left on M's and U's lists, P1's
    // type, the boost.
    try expect([[31, 8, 0, 512], [0, 7 + 32, 0, 512], [0, 7 + 32, 0, 512]]) { kernel in
      let guest = try taken(kernel, .unmovable, .unmovable)
      put(guest, 0, order: 3)
      put(guest, 512, order: 5)
      let page = on(guest) { $0.take(order: 0, .movable) }
      #expect(page == (kernel == .linux61 ? 512 : 0))
      return [
        pages(guest, .movable), pages(guest, .unmovable), guest.core.pageblockMigratetype(512).rawValue,
        Int(guest.core.zone(0).watermarkBoost),
      ]
    }
  }

  private func pages(_ guest: Guest, _ type: Migratetype) -> Int {
    (0...10).reduce(0) { $0 + guest.pfns(order: $1, type).count << $1 }
  }

  @Test func unmovableStealsFromAPageblockInUse() throws {
    // Blocks of orders 7, 6 and 3 in a movable pageblock, 312 movable pages beside them.
    try expect([[199, 0, 512], [0, 199, 1536], [0, 199, 1536]]) { kernel in
      let guest = try taken(kernel, .movable)
      put(guest, 0, order: 7)
      put(guest, 128, order: 6)
      put(guest, 192, order: 3)
      for pfn in UInt64(200)..<512 { guest.core.page(pfn).pointer.pointee.flags |= Page.flagLRU }
      #expect(on(guest) { $0.take(order: 0, .unmovable) } != nil)
      #expect(guest.core.pageblockMigratetype(0) == .movable)
      return [pages(guest, .unmovable), pages(guest, .movable), Int(guest.core.zone(0).watermarkBoost)]
    }
  }

  @Test func isolatingTakesThePageblockAlong() throws {
    // An unmovable pageblock with a free block of order 8, and one of order 3 in its other half.
    try expect([["movable", "1", "0"], ["movable", "0", "1"], ["movable", "0", "1"]]) { kernel in
      let guest = try taken(kernel, .unmovable)
      put(guest, 0, order: 8)
      put(guest, 256, order: 3)
      #expect(on(guest) { $0.isolate(0) })
      return [
        guest.core.pageblockMigratetype(0).name.lowercased(), "\(guest.pfns(order: 3, .unmovable).count)",
        "\(guest.pfns(order: 3, .movable).count)",
      ]
    }
  }

  @Test func aHeldBlockOfTwoTypesGoesBackToOneList() throws {
    // Two unmovable pageblocks, taken as one block; the lower one's type changes while they are out.
    try expect(
      [["1 movable", "movable unmovable"]] + Array(repeating: ["1 unmovable", "unmovable unmovable"], count: 2)
    ) {
      kernel in
      let guest = try taken(kernel, .unmovable, .unmovable)
      put(guest, 0, order: 10)
      #expect(on(guest) { $0.take(order: 10, .unmovable) } == 0)
      guest.core.setPageblockMigratetype(0, .movable)
      on(guest) { $0.putBack(0, order: 10) }
      let lists = Migratetype.allCases.filter { !guest.pfns(order: 10, $0).isEmpty }
      let types = [0, 512].map { guest.core.pageblockMigratetype($0).name.lowercased() }
      return [
        lists.map { "\(guest.pfns(order: 10, $0).count) \($0.name.lowercased())" }.joined(),
        types.joined(separator: " "),
      ]
    }
  }

  // MARK: the reserve

  @Test func theReserveHasALimit() {
    #expect(Linux6_1.mostHighAtomic(managed: 40_000, pageblock: 512) == 912)
    #expect(Linux6_12.mostHighAtomic(managed: 40_000, pageblock: 512) == 0)
    #expect(Mainline.mostHighAtomic(managed: 60_000, pageblock: 512) == 1024)
  }

  @Test func whatIsWithheldOfTheReserve() throws {
    // 1600 pages free, mark 1000, reserve 1024 of which 200 are free.
    try expect([false, true, true]) { kernel in
      let guest = try Guest.fresh(.bare([0..<8192], kernel: kernel))
      let zone = guest.core.zone(0)
      zone.freePagesField.pointee = 1600
      zone.reservedHighAtomicField.pointee = 1024
      zone.freeHighAtomicField.pointee = 200
      return switch kernel {
      case .linux61: guest.core.watermarkAllows(zone, order: 0, mark: 1000, .userMovable, Linux6_1.self)
      case .linux612: guest.core.watermarkAllows(zone, order: 0, mark: 1000, .userMovable, Linux6_12.self)
      case .mainline: guest.core.watermarkAllows(zone, order: 0, mark: 1000, .userMovable, Mainline.self)
      }
    }
  }

  @Test func atomicRequestsComeToTheReserve() throws {
    // A free block of order 3 on HIGHATOMIC's list, and movable memory far above the low mark.
    try expect([false, false, true]) { kernel in
      let guest = try Guest.fresh(.bare([0..<8192], marks: Watermarks(min: 16, low: 20, high: 24), kernel: kernel))
      return try on(guest) { cpu in
        let pfn = try cpu.mustAllocate(order: 10)
        guest.core.setPageblockMigratetype(pfn, .highAtomic)
        cpu.put(pfn, order: 3)
        return cpu.allocate(order: 3, .atomicContext) == pfn
      }
    }
  }

  // MARK: free page reporting

  @Test func theOrderReportedIsTheDevicesOrTheParameters() throws {
    // page_reporting_order=0; a device that asks for 0; both say nothing; a device that asks for 5; and parameter 3 beside it;
    // what is no order.
    try expect([[9, 9, 9, 5, 5, 9], [0, 9, 9, 5, 3, 9], [0, 0, 9, 5, 3, 9]]) { kernel in
      func order(_ parameter: Int?, _ device: Int?) -> Int {
        kernel.rules.reportingOrder(parameter: parameter, device: device, pageblockOrder: 9)
      }
      return [order(0, nil), order(nil, 0), order(nil, nil), order(nil, 5), order(3, 5), order(11, nil)]
    }
  }

  // MARK: zones

  @Test func zoneMovableKeepsItsShareOrLittle() {
    func marks(_ kernel: KernelVersion) -> [[UInt64]] {
      Watermarks.compute(managed: [1_000_000, 3_000_000], types: [.normal, .movable], kernel: kernel)
        .map { [$0.min, $0.low, $0.high] }
    }
    // min_free_kbytes of 11264 pages: khugepaged's for two zones that aren't ZONE_MOVABLE would be 11264.
    let old = marks(.linux61)
    let new = marks(.linux612)
    #expect(old[0][0] * 3 == old[1][0] && new[0][0] == old[0][0] + old[1][0])
    #expect(new[1][0] == 128 && new[1][1] > old[1][0] && marks(.mainline) == new)
  }

  @Test func rangesAreFreedPageByPageOrWhole() throws {
    // Zone holds while 1024 aligned pages are freed, and the pages that are then on the per-CPU list.
    try expect([[0, 1024], [0, 1024], [1, 0]]) { kernel in
      let guest = try guest(kernel)
      return try on(guest) { cpu in
        try cpu.allocateContiguous(pfn: 4096, pages: 1024)
        _ = cpu.takeHolds()
        cpu.freeContiguous(pfn: 4096, pages: 1024)
        return [cpu.takeHolds().count, pcp(guest).count]
      }
    }
  }

  @Test func everyRuleIsInTheListing() {
    for rule in KernelRule.all {
      #expect(rule.values.count == KernelVersion.allCases.count && !rule.source.isEmpty)
      #expect(Set(rule.values).count > 1, "\(rule.name) differs nowhere")
    }
    #expect(Set(KernelRule.all.map(\.name)).count == KernelRule.all.count)
  }

  @Test func releasesHaveTheRulesThatAreClosest() {
    let cases = [
      ("6.1.192", "6.1"), ("5.10.0", "6.1"), ("6.12.117", "6.12"), ("6.19-rc1", "6.12"), ("7.3.0", "mainline"),
    ]
    for (release, version) in cases { #expect(KernelVersion(closestTo: release).rawValue == version, "\(release)") }
  }

  @Test func aBlockOnAnotherTypesListIsAFaultSince6_10() throws {
    for kernel in KernelVersion.allCases {
      let guest = try Guest.fresh(.bare([0..<1024], kernel: kernel))
      guest.core.setPageblockMigratetype(512, .unmovable)
      #expect(guest.validate().contains { $0.kind == .impureList } == (kernel != .linux61))
    }
  }
}
