import Instruments
import Testing

@testable import GuestMemory

/// alloc_contig_range() and free_contig_range() of 6.1, in outline.
@Suite struct ContiguousTests {
  /// Sixteen pageblocks, all free.
  private func guest(granule: Int = 0, cpus: Int = 2) throws -> Guest {
    try Guest.fresh(.bare([0..<8192], granuleOrder: granule, cpus: cpus))
  }

  /// What the range fails with; nil: it was had.
  private func failure(
    _ cpu: inout GuestCPU<NoProbe, NoHooks, Linux6_1>, _ pfn: UInt64, _ pages: UInt64, drain: Bool = false
  ) -> ContiguousFailure? {
    do throws(ContiguousFailure) {
      try cpu.allocateContiguous(pfn: pfn, pages: pages, drainFirst: drain)
      return nil
    } catch { return error }
  }

  private func singles(_ pfn: UInt64, _ pages: UInt64, granule: Int = 0) -> [Block] {
    stride(from: pfn, to: pfn + pages, by: 1 << granule).map { Block(pfn: $0, order: granule) }
  }

  private func types(_ guest: Guest) -> [UInt8] { Array(guest.core.pageblocks(of: guest.core.zone(0))) }

  @Test(arguments: [(0, 512), (512, 512), (512, 1024), (1024, 2048), (1536, 5120), (0, 8192)] as [(UInt64, UInt64)])
  func aFreeRangeIsHadAndComesBack(start: UInt64, pages: UInt64) throws {
    for granule in [0, 4, 9] {
      let guest = try guest(granule: granule)
      let before = Picture(guest)
      var cpu = guest.cpu()
      #expect(failure(&cpu, start, pages) == nil)
      let held = singles(start, pages, granule: granule)
      #expect(guest.validate(held: held).isEmpty, "granule \(granule)")
      #expect(guest.core.freePages == 8192 - pages)
      #expect(held.allSatisfy { guest.core.page($0.pfn).pointer.pointee.refcount == 1 })
      #expect(types(guest) == before.zones[0].pageblocks && !guest.core.zone(0).hasIsolatedPageblocks)
      cpu.freeContiguous(pfn: start, pages: pages)
      cpu.drainPerCPULists()
      #expect(guest.validate().isEmpty)
      #expect(Picture(guest).blocks == before.blocks && guest.core.freePages == 8192)
      #expect(guest.core.zone(0).pointer.pointee.bad_pages == 0)
    }
  }

  /// Isolation is a value of the type until it became a bit beside it: the pageblock is movable then, as the caller says.
  @Test(arguments: KernelVersion.allCases) func isolationLeavesATypeOfItsOwnOnlyInMainline(kernel: KernelVersion) throws
  {
    switch kernel {
    case .linux61: try isolateAll(Linux6_1.self, comesBack: false)
    case .linux612: try isolateAll(Linux6_12.self, comesBack: false)
    case .mainline: try isolateAll(Mainline.self, comesBack: true)
    }
  }

  private func isolateAll<Rules: KernelRules>(_ rules: Rules.Type, comesBack: Bool) throws {
    for (index, type) in Migratetype.allCases.enumerated() where type != .isolate {
      for pages: UInt64 in [512, 1024, 1536] {
        let guest = try Guest.fresh(.bare([0..<8192], kernel: Rules.version))
        let pfn = UInt64(index) * 1024
        var cpu = GuestCPU(guest.core, cpu: 0, node: 0, probe: NoProbe(), rules: rules)
        cpu.withZoneLocked(guest.core.zone(0)) { hold in
          guest.core.setPageblockMigratetypes(pfn, order: 10, type)
          guest.core.move(guest.core.page(pfn), hold.zone, order: 10, to: type, hold.hooks)
          guest.core.countHighAtomic(hold.zone, 1024, type, rules)
        }
        try cpu.allocateContiguous(pfn: pfn, pages: pages, drainFirst: false)
        let after = types(guest)
        cpu.freeContiguous(pfn: pfn, pages: pages)
        cpu.drainPerCPULists()
        for block in 0..<(pages / 512) {
          let was: Migratetype = block < 2 ? type : .movable
          #expect(
            after[Int(pfn / 512 + block)] == UInt8((comesBack ? was : .movable).rawValue), "\(type.name), \(pages)")
        }
        #expect(guest.validate().isEmpty && guest.core.freePages == 8192, "\(guest.validate())")
      }
    }
  }

  @Test func badRangesAreRefused() throws {
    let guest = try Guest.fresh(.bare([512..<4096, 4096..<8192]))
    let before = Picture(guest)
    var cpu = guest.cpu()
    for (pfn, pages) in [(512, 0), (513, 512), (512, 100), (768, 512)] as [(UInt64, UInt64)] {
      #expect(failure(&cpu, pfn, pages) == .notWholePageblocks)
    }
    for (pfn, pages) in [(0, 512), (0, 1024), (3584, 1024), (8192, 512), (UInt64.max - 511, 512), (7680, 1 << 40)]
      as [(UInt64, UInt64)]
    {
      #expect(failure(&cpu, pfn, pages) == .notInOneZone)
    }
    #expect(Picture(guest) == before)
  }

  @Test func aBlockHeldOffTheListsMakesItBusyUntilItIsBack() throws {
    for order in [10, 9, 5] {
      let guest = try guest()
      var cpu = guest.cpu()
      // Order `order` at 1024, by splitting.
      var taken: [Block] = []
      while let block = guest.take(order: order) {
        taken.append(block)
        guest.core.page(block.pfn).pointer.pointee.refcount = 0
      }
      let block = try #require(taken.first { $0.pfn == 1024 })
      for other in taken where other != block { guest.put(other.pfn, order: order) }
      guest.put(block.pfn, order: order)
      let page = guest.core.page(1024)
      // What a strategy holds while the host acts is a block as it stood on its list.
      let held = Block(pfn: 1024, order: page.order)
      var holder = guest.cpu(1)
      let isHeld = holder.withZoneLocked(guest.core.zone(0)) { $0.isolate(page) }
      #expect(isHeld)
      let before = types(guest)
      #expect(failure(&cpu, 1024, 1024) == .busy(pfn: 1024))
      #expect(failure(&cpu, 512, 1024, drain: true) == .busy(pfn: 1024))
      #expect(guest.validate(held: [held]).isEmpty && types(guest) == before)
      #expect(failure(&cpu, 2048, 512) == nil)
      cpu.freeContiguous(pfn: 2048, pages: 512)
      holder.withZoneLocked(guest.core.zone(0)) { hold in
        _ = hold.putBack(page, order: held.order, guest.core.pageblockMigratetype(1024))
      }
      cpu.drainPerCPULists()
      #expect(guest.validate().isEmpty)
      #expect(failure(&cpu, 1024, 1024) == nil)
    }
  }

  /// Put back while its range, or half of it, is isolated.
  @Test func whatIsPutBackIntoAnIsolatedPageblockIsIsolated() throws {
    let guest = try guest()
    let zone = guest.core.zone(0)
    var holder = guest.cpu(1)
    holder.withZoneLocked(zone) { $0.takeOff(guest.core.page(1024)) }
    // As while another CPU is between isolating and testing.
    guest.core.setPageblockMigratetype(1536, .isolate)
    zone.isolatedPageblocksField.pointee += 1
    let whole = holder.withZoneLocked(zone) { hold in hold.putBack(guest.core.page(1024), order: 10, .movable) }
    #expect(!whole)
    #expect(guest.pfns(order: 9, .isolate) == [1536] && guest.pfns(order: 9, .movable) == [1024])
    #expect(guest.core.freePages == 8192 - 512)
    #expect(guest.validate().isEmpty)
  }

  @Test func freesAndDrainsReadTheMigratetypeUnderTheLock() throws {
    let guest = try guest()
    let zone = guest.core.zone(0)
    guest.core.perCPUList(zone, cpu: 0).pointer.pointee.high = 1 << 20
    var cpu = guest.cpu()
    let pfn = try cpu.mustAllocate(order: 0, .userMovable)
    cpu.free(pfn: pfn, order: 0)
    // As isolating does it: the per-CPU list keeps what it has.
    cpu.withZoneLocked(zone) { hold in
      guest.core.setPageblockMigratetype(pfn, .isolate)
      zone.isolatedPageblocksField.pointee += 1
      let moved = guest.core.moveFreePages(zone, pageblockOf: pfn, to: .isolate, hold.hooks).free
      guest.core.addFreePages(zone, -moved)
    }
    let kept = guest.core.perCPUList(zone, cpu: 0).count
    let free = guest.core.freePages
    cpu.drainPerCPULists()
    #expect(kept > 0 && guest.core.freePages == free)
    #expect(guest.pfns(order: 9, .isolate) == [pfn / 512 * 512])
    #expect(guest.validate().isEmpty)
  }

  @Test func pagesOnPerCPUListsAreInTheWayUnlessDrained() throws {
    let guest = try guest()
    let zone = guest.core.zone(0)
    for number in 0..<2 { guest.core.perCPUList(zone, cpu: number).pointer.pointee.high = 1 << 20 }
    var cpus = [guest.cpu(0), guest.cpu(1)]
    let used = try cpus.indices.map { try cpus[$0].mustAllocate(order: 0, .userMovable) }
    for (index, pfn) in used.enumerated() { cpus[index].free(pfn: pfn, order: 0) }
    for (index, pfn) in used.enumerated() {
      #expect(guest.core.perCPUList(zone, cpu: index).count > 0)
      let start = pfn / 512 * 512
      guard case .busy(let first)? = failure(&cpus[0], start, 512) else {
        Issue.record("with pages of CPU \(index)'s list")
        continue
      }
      #expect(start <= first && first < start + 512)
      #expect(guest.validate().isEmpty)
    }
    // A list somebody works on isn't drained.
    let locked = guest.core.perCPUList(zone, cpu: 1)
    #expect(locked.lock.tryLock())
    if case .busy? = failure(&cpus[0], used[1] / 512 * 512, 512, drain: true) {} else { Issue.record("not busy") }
    locked.lock.unlock()
    #expect(guest.core.perCPUList(zone, cpu: 0).count == 0 && locked.count > 0)
    #expect(failure(&cpus[0], used[1] / 512 * 512, 512, drain: true) == nil)
    #expect(locked.count == 0)
    #expect(guest.validate(held: singles(used[1] / 512 * 512, 512)).isEmpty)
  }

  @Test func pagesInUseAreInTheWay() throws {
    for drain in [false, true] {
      let guest = try guest()
      var cpu = guest.cpu()
      let movable = try cpu.mustAllocate(order: 4, .userMovable)
      let start = movable / 512 * 512
      let before = types(guest)
      #expect(failure(&cpu, start, 512, drain: drain) == .inUse(pfn: movable))
      let unmovable = try cpu.mustAllocate(order: 4, .kernel)
      let other = unmovable / 512 * 512
      #expect(types(guest)[Int(other / 512)] == UInt8(Migratetype.unmovable.rawValue))
      let now = types(guest)
      #expect(failure(&cpu, other, 512, drain: drain) == .unmovable(pfn: unmovable))
      // What was isolated before the page was found is let go.
      #expect(other != start && before.count == now.count)
      let low = min(start, other)
      let whole = max(start, other) + 512 - low
      #expect(failure(&cpu, low, whole, drain: drain) == .unmovable(pfn: unmovable))
      #expect(types(guest) == now && !guest.core.zone(0).hasIsolatedPageblocks)
      let held = [Block(pfn: movable, order: 4), Block(pfn: unmovable, order: 4)]
      #expect(guest.validate(held: held).isEmpty)
      for block in held { cpu.free(pfn: block.pfn, order: 4) }
      #expect(guest.core.freePages == 8192 && guest.validate().isEmpty)
    }
  }

  @Test func theSamePageblockIsIsolatedOnlyOnce() throws {
    let guest = try guest()
    var cpu = guest.cpu()
    let zone = guest.core.zone(0)
    cpu.withZoneLocked(zone) { hold in
      guest.core.setPageblockMigratetypes(1024, order: 10, .isolate)
      guest.core.move(guest.core.page(1024), zone, order: 10, to: .isolate, hold.hooks)
      guest.core.addFreePages(zone, -1024)
      zone.isolatedPageblocksField.pointee += 2
    }
    #expect(failure(&cpu, 512, 1024) == .busy(pfn: 1024))
    #expect(guest.validate().isEmpty && zone.isolatedPageblocksField.pointee == 2)
    #expect(failure(&cpu, 512, 512) == nil)
  }

  @Test(arguments: Seeds.list) func tracesOfRangesAndOrdinaryRequestsStayWhole(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed, stream: 301)
    let granule = [0, 0, 3][random.below(3)]
    var geometry = GuestGeometry.bare([0..<16_384], granuleOrder: granule, cpus: 2)
    geometry.lockKind = random.chance(0.5) ? .queued : .testAndSet
    let guest = try Guest.fresh(geometry)
    let start = Picture(guest)
    var cpus = [guest.cpu(0), guest.cpu(1)]
    var blocks: [Block] = []
    var ranges: [(UInt64, UInt64)] = []
    var off: [Block] = []
    var had = 0
    func held() -> [Block] { blocks + off + ranges.flatMap { singles($0.0, $0.1, granule: granule) } }
    for step in 0..<1200 {
      let cpu = random.below(2)
      switch random.below(100) {
      case 0..<35:
        let order = granule + random.below(11 - granule)
        let gfp: GFP = random.chance(0.8) ? .userMovable : .kernel
        if let pfn = cpus[cpu].allocate(order: order, gfp) { blocks.append(Block(pfn: pfn, order: order)) }
      case 35..<75:
        guard !blocks.isEmpty else { continue }
        let block = blocks.remove(at: random.below(blocks.count))
        cpus[cpu].free(pfn: block.pfn, order: block.order)
      case 75..<80:
        // Somebody takes a free block off the lists, or puts one back.
        if random.chance(0.5), let block = off.popLast() {
          cpus[cpu].withZoneLocked(guest.core.zone(0)) { hold in
            _ = hold.putBack(guest.core.page(block.pfn), order: block.order, guest.core.pageblockMigratetype(block.pfn))
          }
        } else if let pfn = guest.pfns(order: 10, .movable).first {
          cpus[cpu].withZoneLocked(guest.core.zone(0)) { $0.takeOff(guest.core.page(pfn)) }
          off.append(Block(pfn: pfn, order: 10))
        }
      case 80..<95:
        let first = UInt64(random.below(32)) * 512
        let pages = min(UInt64(1 + random.below(4)) * 512, 16_384 - first)
        let before = types(guest)
        if failure(&cpus[cpu], first, pages, drain: random.chance(0.7)) == nil {
          had += 1
          ranges.append((first, pages))
        }
        // What was isolated is movable afterwards.
        let isolated = Int(first / 512)..<Int((first + pages) / 512)
        let changed = zip(before, types(guest)).enumerated().filter { $1.0 != $1.1 }
        #expect(
          changed.allSatisfy { isolated.contains($0.offset) && $0.element.1 == UInt8(Migratetype.movable.rawValue) },
          "seed \(seed), step \(step)")
      default:
        guard !ranges.isEmpty else { continue }
        let range = ranges.remove(at: random.below(ranges.count))
        cpus[cpu].freeContiguous(pfn: range.0, pages: range.1)
      }
      if step % 40 == 0 {
        let faults = guest.validate(held: held())
        #expect(faults.isEmpty, "seed \(seed), step \(step): \(faults)")
        if !faults.isEmpty { return }
      }
    }
    #expect(had > 0, "seed \(seed)")
    for block in blocks { cpus[0].free(pfn: block.pfn, order: block.order) }
    for range in ranges { cpus[0].freeContiguous(pfn: range.0, pages: range.1) }
    for block in off {
      cpus[0].withZoneLocked(guest.core.zone(0)) { hold in
        _ = hold.putBack(guest.core.page(block.pfn), order: block.order, guest.core.pageblockMigratetype(block.pfn))
      }
    }
    for cpu in cpus.indices { cpus[cpu].drainPerCPULists() }
    #expect(guest.validate().isEmpty, "seed \(seed)")
    #expect(Picture(guest).blocks == start.blocks && guest.core.freePages == 16_384, "seed \(seed)")
    #expect(guest.core.zone(0).pointer.pointee.bad_pages == 0)
  }

  /// One thread takes ranges, while another allocates and frees what lies around.
  @Test(arguments: LockKind.allCases) func twoCPUsAtOnce(lock: LockKind) throws {
    var geometry = GuestGeometry.bare([0..<16_384], cpus: 2)
    geometry.lockKind = lock
    let guest = try Guest.fresh(geometry)
    let start = Picture(guest)
    onThreads(2) { number in
      var random = SeededGenerator(seed: 7, stream: 310 + UInt64(number))
      var cpu = guest.cpu(number)
      if number == 1 {
        var held: [Block] = []
        for _ in 0..<1500 {
          if held.count < 40 && random.chance(0.5) {
            let order = [0, 0, 0, 2, 5, 9, 10][random.below(7)]
            if let pfn = cpu.allocate(order: order, .userMovable) { held.append(Block(pfn: pfn, order: order)) }
          } else if !held.isEmpty {
            let block = held.remove(at: random.below(held.count))
            cpu.free(pfn: block.pfn, order: block.order)
          }
        }
        for block in held { cpu.free(pfn: block.pfn, order: block.order) }
        cpu.drainPerCPULists()
        return
      }
      for _ in 0..<30 {
        let first = UInt64(random.below(32)) * 512
        let pages = min(UInt64(1 + random.below(3)) * 512, 16_384 - first)
        do throws(ContiguousFailure) {
          try cpu.allocateContiguous(pfn: first, pages: pages, drainFirst: random.chance(0.5))
          cpu.freeContiguous(pfn: first, pages: pages)
        } catch {}
      }
      cpu.drainPerCPULists()
    }
    #expect(guest.validate().isEmpty)
    #expect(Picture(guest).blocks == start.blocks && guest.core.freePages == 16_384)
    #expect(types(guest) == start.zones[0].pageblocks && !guest.core.zone(0).hasIsolatedPageblocks)
    #expect(guest.core.zone(0).pointer.pointee.bad_pages == 0)
  }
}
