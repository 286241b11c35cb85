import GuestMemory
import TestSupport
import Testing

@testable import Experiments

/// What a host has populated, against an account page by page.
@Suite struct PopulatedMemoryTests {
  /// The same rules with a set of pages and a state for each frame, and one rule that may be broken.
  private struct Reference {
    enum Fault: CaseIterable { case none, splitBecomesHuge, partKeepsMapping, hugeTouchOnlyOwn }
    let fault: Fault
    let isHuge: Bool
    let exists: Set<UInt64>
    var populated: Set<UInt64>
    /// Frames mapped whole, and those that were split once.
    var huge: Set<UInt64> = []
    var split: Set<UInt64> = []
    var splits = 0

    init(_ core: GuestCore, isHuge: Bool, fault: Fault) {
      self.fault = fault
      self.isHuge = isHuge
      exists = Set(core.zones.flatMap { $0.startPFN..<$0.endPFN })
      populated = exists
      if isHuge { huge = Set(exists.map { $0 / 512 }).filter { isWhole($0) } }
    }

    func isWhole(_ frame: UInt64) -> Bool { (frame * 512..<(frame + 1) * 512).allSatisfy(exists.contains) }

    mutating func discard(_ block: Block) {
      for frame in block.pfn / 512...(block.end - 1) / 512 where huge.contains(frame) {
        let isAll = block.pfn <= frame * 512 && block.end >= (frame + 1) * 512
        if !isAll && fault != .partKeepsMapping {
          split.insert(frame)
          splits += 1
        }
        huge.remove(frame)
      }
      populated.subtract(block.pfn..<block.end)
      if fault == .splitBecomesHuge {
        split = split.filter { frame in (frame * 512..<(frame + 1) * 512).contains(where: populated.contains) }
      }
    }

    mutating func touch(_ block: Block) -> FirstTouches {
      var touches = FirstTouches()
      for frame in block.pfn / 512...(block.end - 1) / 512 {
        let pages = Set(frame * 512..<(frame + 1) * 512)
        let own = pages.filter { $0 >= block.pfn && $0 < block.end && exists.contains($0) }
        let missing = own.subtracting(populated)
        if missing.isEmpty { continue }
        if isHuge, isWhole(frame), !split.contains(frame), pages.isDisjoint(with: populated) {
          touches.huge += 1
          huge.insert(frame)
          populated.formUnion(fault == .hugeTouchOnlyOwn ? own : pages)
        } else {
          if split.contains(frame) { touches.split += missing.count } else { touches.small += missing.count }
          populated.formUnion(missing)
        }
      }
      return touches
    }
  }

  /// Random reports and touches; the first step at which both differ, or nil.
  private func firstDifference(seed: UInt64, isHuge: Bool, fault: Reference.Fault) throws -> Int? {
    let guest = try Guest(GuestGeometry.standard(bytes: 128 << 20, cpus: 1))
    guest.fillFresh()
    return withExtendedLifetime(guest) {
      let host = PopulatedMemory(guest.core, usesHugePages: isHuge)
      var reference = Reference(guest.core, isHuge: isHuge, fault: fault)
      guard host.pages == UInt64(reference.exists.count) else { return 0 }
      var random = SeededGenerator(seed: seed, stream: 910)
      // Few frames, so that they are met again.
      let first = (guest.core.zones.last?.endPFN ?? 0) - 8 * 1024
      for step in 1...300 {
        let order = [0, 0, 3, 6, 8, 9, 9, 10][random.below(8)]
        let size = UInt64(1) << UInt64(order)
        let block = Block(pfn: (first + UInt64(random.below(8 * 1024))) / size * size, order: order)
        if random.chance(0.5) {
          host.discard(block)
          reference.discard(block)
        } else if host.touch(block) != reference.touch(block) {
          return step
        }
        if host.populatedPages != UInt64(reference.populated.count) || host.splits != reference.splits { return step }
      }
      return nil
    }
  }

  @Test(arguments: TestSeeds.first(20), [true, false]) func agreesWithAnAccountOfPages(seed: UInt64, isHuge: Bool)
    throws
  {
    #expect(try firstDifference(seed: seed, isHuge: isHuge, fault: .none) == nil, "seed \(seed)")
  }

  @Test(arguments: [Reference.Fault.splitBecomesHuge, .partKeepsMapping, .hugeTouchOnlyOwn])
  private func aBrokenRuleIsFound(fault: Reference.Fault) throws {
    let found = try TestSeeds.first(20).contains { try firstDifference(seed: $0, isHuge: true, fault: fault) != nil }
    #expect(found, "\(fault)")
  }

  /// The three kinds of first touch, one after the other.
  @Test func aFrameIsSplitByAReportOfPartOfIt() throws {
    let guest = try Guest(GuestGeometry.standard(bytes: 128 << 20, cpus: 1))
    guest.fillFresh()
    let host = PopulatedMemory(guest.core, usesHugePages: true)
    let frame = Block(pfn: 8192, order: 9)
    #expect(host.touch(frame).pages == 0)
    host.discard(frame)
    #expect(host.populatedPages == host.pages - 512 && host.splits == 0)
    #expect(host.touch(Block(pfn: 8200, order: 0)) == FirstTouches(small: 0, split: 0, huge: 1))
    #expect(host.populatedPages == host.pages)
    host.discard(Block(pfn: 8200, order: 3))
    #expect(host.splits == 1 && host.populatedPages == host.pages - 8)
    #expect(host.touch(frame) == FirstTouches(small: 0, split: 8, huge: 0))
    host.discard(frame)
    #expect(host.touch(frame) == FirstTouches(small: 0, split: 512, huge: 0))
    let small = PopulatedMemory(guest.core, usesHugePages: false)
    small.discard(frame)
    #expect(small.touch(Block(pfn: 8192, order: 3)) == FirstTouches(small: 8, split: 0, huge: 0))
    withExtendedLifetime(guest) {}
  }

  /// The integral of a course that is known.
  @Test func anAccountIsOfTheWindowAlone() throws {
    let guest = try Guest(GuestGeometry.standard(bytes: 128 << 20, cpus: 1))
    guest.fillFresh()
    let account = HostAccount(guest.core, usesHugePages: true, window: 10_000_000_000)
    account.discard(Block(pfn: 8192, order: 9), at: 0)
    account.start(guest.core)
    let pages = Double(PopulatedMemory(guest.core, usesHugePages: true).pages)
    account.discard(Block(pfn: 9216, order: 10), at: 4_000_000_000)
    account.touch(Block(pfn: 9216, order: 0), at: 8_000_000_000)
    account.look(guest.core, at: 9_000_000_000)
    account.touch(Block(pfn: 9217, order: 0), at: 12_000_000_000)
    account.end()
    let expected = pages * 10 - 512 * 10 - 1024 * 6 + 512 * 2
    #expect(abs(account.hostByteSeconds - expected * 4096) < 1)
    // Nothing in it is used but what never was free.
    let used = pages - Double(guest.core.freePages)
    #expect(abs(account.usedByteSeconds - used * 10 * 4096) < 1)
    #expect(account.touches == FirstTouches(small: 0, split: 0, huge: 1) && account.allocations == 2)
    #expect(account.reached == [nil, nil, nil])
    withExtendedLifetime(guest) {}
  }

  /// One of 150 allocations brings back 2 MiB, one a page: the second worst is the 99th percentile.
  @Test func thePercentileIsOfAllAllocations() throws {
    let guest = try Guest(GuestGeometry.standard(bytes: 128 << 20, cpus: 1))
    guest.fillFresh()
    let account = HostAccount(guest.core, usesHugePages: true, window: 1)
    #expect(account.p99 == nil)
    account.discard(Block(pfn: 8192, order: 9), at: 0)
    account.discard(Block(pfn: 9216, order: 0), at: 0)
    account.touch(Block(pfn: 9216, order: 0), at: 0)
    account.touch(Block(pfn: 8192, order: 0), at: 0)
    #expect(account.p99 == FirstTouches(small: 0, split: 0, huge: 1))
    for _ in 0..<148 { account.touch(Block(pfn: 12288, order: 0), at: 0) }
    #expect(account.allocations == 150 && account.p99 == FirstTouches(small: 0, split: 1, huge: 0))
    for _ in 0..<150 { account.touch(Block(pfn: 12288, order: 0), at: 0) }
    #expect(account.p99 == FirstTouches())
    withExtendedLifetime(guest) {}
  }
}
