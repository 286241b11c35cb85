import Delivery
import GuestMemory
import Testing

@testable import Experiments

/// When what was freed was reported, and what the guest took back.
@Suite struct ProgressTests {
  /// 2 GiB in blocks of order 9.
  private let freed = (0..<1024).map { Block(pfn: UInt64($0) * 512, order: 9) }

  private func report(_ progress: inout Progress, _ blocks: Block..., at time: UInt64) throws {
    let arena = try HintArena(bytes: blocks.count * 8)
    let words = arena.buffer(bytes: blocks.count * 8)
    for (index, block) in blocks.enumerated() { words.store(block.rawValue, at: index) }
    progress.record(words, 0..<blocks.count, at: time)
    withExtendedLifetime(arena) {}
  }

  @Test func everyMomentIsThatOfTheReportThatReachedIt() throws {
    var progress = Progress(freed: freed, unitOrder: 9)
    #expect(progress.freedBytes == 2 << 30)
    for (index, block) in freed.enumerated() { try report(&progress, block, at: UInt64(index)) }
    progress.finish(window: 5000)
    #expect(progress.firstGiB == 511 && progress.half == 511 && progress.last == 1023)
    #expect(progress.shareReported == 1)
    #expect(progress.blocks == 1024 && progress.batches == 1024 && progress.pages == 1024 * 512)
  }

  @Test func whatComesAfterTheWindowIsNotInIt() throws {
    var progress = Progress(freed: freed, unitOrder: 9)
    for (index, block) in freed.enumerated() { try report(&progress, block, at: UInt64(index)) }
    progress.finish(window: 100)
    #expect(progress.blocks == 101 && progress.last == 100 && progress.half == nil)
  }

  @Test func aSecondReportOfABlockIsNoProgress() throws {
    var progress = Progress(freed: freed, unitOrder: 9)
    try report(&progress, freed[0], at: 5)
    try report(&progress, freed[0], at: 9)
    progress.finish(window: 10)
    #expect(progress.last == 5 && progress.shareReported == 1 / 1024.0)
    #expect(progress.firstGiB == nil && progress.half == nil && progress.blocks == 2)
  }

  @Test func aMergedBlockCountsForItsParts() throws {
    var progress = Progress(freed: freed, unitOrder: 9)
    try report(&progress, Block(pfn: 0, order: 10), at: 1)
    progress.finish(window: 10)
    #expect(progress.shareReported == 2 / 1024.0)
  }

  @Test func smallerUnitsAreCountedOneByOne() throws {
    var progress = Progress(freed: [freed[0]], unitOrder: 3)
    try report(&progress, Block(pfn: 8, order: 3), at: 1)
    try report(&progress, Block(pfn: 1 << 20, order: 3), at: 2)
    progress.finish(window: 10)
    #expect(progress.shareReported == 1 / 64.0, "what wasn't freed then doesn't count")
    #expect(progress.last == 1)
  }

  @Test func blocksAreLookedAtASecondAfterTheirReport() throws {
    var progress = Progress(freed: freed, unitOrder: 9)
    try report(&progress, freed[0], freed[1], at: 0)
    try report(&progress, freed[2], at: 500_000_000)
    progress.check(until: 999_999_999) { _ in false }
    #expect(progress.checked == 0)
    progress.check(until: 1_000_000_000) { $0 == freed[0] }
    #expect(progress.checked == 2 && progress.takenBack == 1)
    progress.check(until: 1_500_000_000) { _ in true }
    #expect(progress.checked == 3 && progress.takenBack == 1)
  }

  @Test func aBlockReportedAgainHadBeenTakenBack() throws {
    // Known again at the moment it is looked at, which says nothing of the time between.
    var progress = Progress(freed: freed, unitOrder: 9)
    try report(&progress, freed[0], at: 0)
    try report(&progress, freed[0], at: 300_000_000)
    progress.check(until: 1_000_000_000) { _ in true }
    #expect(progress.checked == 1 && progress.takenBack == 1)
    progress.check(until: 2_000_000_000) { _ in true }
    #expect(progress.checked == 2 && progress.takenBack == 1)
  }

  @Test func sharesAreOfTheirMomentsAndWithoutPerCPUListsOfTheRest() throws {
    var progress = Progress(freed: freed, unitOrder: 9)
    for (index, block) in freed.prefix(512).enumerated() { try report(&progress, block, at: UInt64(index)) }
    // A quarter is on per-CPU lists, of which one block had been reported before, and something else.
    let cached = freed.suffix(256).dropLast() + [freed[0], Block(pfn: 1 << 40, order: 0)]
    progress.finish(window: 1000, [0, 127, 255, 2000], perCPU: Array(cached))
    #expect(progress.sharesInTime == [1 / 1024, 0.125, 0.25, 0.5])
    #expect(progress.shareReported == 0.5 && progress.bytesPCP == 256 << 21)
    #expect(progress.shareListed == 511.0 / 768.0)
  }

  @Test func aCourseHasBothEndsAndNoMoreThan61Points() throws {
    let guest = try Guest(.standard(bytes: 128 << 20, cpus: 1))
    guest.fillFresh()
    for window in [1, 59, 60, 10_000_001, 60_000_000_000] as [UInt64] {
      var course = CoverageCourse(window: window)
      course.note(0, guest.core)
      while course.next < window { course.note(course.next, guest.core) }
      course.note(window, guest.core)
      #expect(course.times.first == 0 && course.times.last == window, "\(window)")
      #expect(course.times.count <= 61 && course.times == course.times.sorted(), "\(window)")
    }
    // Late by more than a step: one point for what was missed.
    var late = CoverageCourse(window: 60)
    for time in [0, 7, 7, 8] as [UInt64] { late.note(time, guest.core) }
    #expect(late.times == [0, 7, 8])
  }
}
