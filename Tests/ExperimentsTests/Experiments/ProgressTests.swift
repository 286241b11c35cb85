import GuestMemory
import Testing

@testable import Experiments

/// When what was freed was reported, and what the guest took back.
@Suite struct ProgressTests {
  /// 2 GiB in blocks of order 9.
  private let freed = (0..<1024).map { Block(pfn: UInt64($0) * 512, order: 9) }

  @Test func everyMomentIsThatOfTheReportThatReachedIt() {
    var progress = Progress(freed: freed, unitOrder: 9)
    #expect(progress.freedBytes == 2 << 30 && progress.shareReported == 0)
    for (index, block) in freed.enumerated() { progress.reported([block], at: UInt64(index)) }
    #expect(progress.firstGiB == 511)
    #expect(progress.half == 511)
    #expect(progress.last == 1023)
    #expect(progress.shareReported == 1)
    #expect(progress.blocks == 1024 && progress.batches == 1024 && progress.pages == 1024 * 512)
  }

  @Test func aSecondReportOfABlockIsNoProgress() {
    var progress = Progress(freed: freed, unitOrder: 9)
    progress.reported([freed[0]], at: 5)
    progress.reported([freed[0]], at: 9)
    #expect(progress.last == 5)
    #expect(progress.shareReported == 1 / 1024.0)
    #expect(progress.firstGiB == nil && progress.half == nil)
    #expect(progress.blocks == 2)
  }

  @Test func aMergedBlockCountsForItsParts() {
    var progress = Progress(freed: freed, unitOrder: 9)
    progress.reported([Block(pfn: 0, order: 10)], at: 1)
    #expect(progress.shareReported == 2 / 1024.0)
  }

  @Test func smallerUnitsAreCountedOneByOne() {
    var progress = Progress(freed: [freed[0]], unitOrder: 3)
    progress.reported([Block(pfn: 8, order: 3)], at: 1)
    #expect(progress.shareReported == 1 / 64.0)
    progress.reported([Block(pfn: 1 << 20, order: 3)], at: 2)
    #expect(progress.shareReported == 1 / 64.0, "what wasn't freed then doesn't count")
    #expect(progress.last == 1)
  }

  @Test func blocksAreLookedAtASecondAfterTheirReport() {
    var progress = Progress(freed: freed, unitOrder: 9)
    progress.reported([freed[0], freed[1]], at: 0)
    progress.reported([freed[2]], at: 500_000_000)
    progress.check(until: 999_999_999) { _ in false }
    #expect(progress.checked == 0)
    progress.check(until: 1_000_000_000) { $0 == freed[0] }
    #expect(progress.checked == 2 && progress.takenBack == 1)
    progress.check(until: 1_500_000_000) { _ in true }
    #expect(progress.checked == 3 && progress.takenBack == 1)
  }
}
