import Delivery
import Testing

@testable import Bench
@testable import GuestMemory
@testable import Hinting

/// Every rule of the conformance suite can be broken, and is then seen to be.
@Suite struct ConformanceFaultTests {
  /// Which fault breaks which rule.
  static let readerFaults: [(fault: String, rule: Violation.Rule)] = [
    ("allocated", .notFree), ("order", .wrongOrder), ("repeats", .repeatedWithoutRestart),
    ("counter", .brokenWhileHeld), ("counter", .brokenAfterwards), ("unlinks", .brokenWhileHeld),
    ("moves", .listsChanged), ("watermark", .restoreDiffers), ("varies", .notDeterministic),
    ("long-hold", .holdTooLong), ("passes", .passesDiffer), ("forgets", .incomplete), ("ignores-stop", .stopIgnored),
  ]
  static let takerFaults: [(fault: String, rule: Violation.Rule)] = [
    ("ends-early", .incomplete), ("not-held", .notHeld), ("twice", .reportedTwice), ("keeps-one", .brokenAfterwards),
    ("keeps-one-when-stopped", .leakedWhenStopped), ("silent", .withheldWrong), ("movable", .untouchableTaken),
    ("frees-at-once", .notHeld), ("halves", .brokenAfterwards),
    ("spins-when-stopped", .stopIgnored),
  ]

  /// DMA, Normal and Movable with room above their watermarks, half free.
  private func guest() throws -> Guest {
    func zone(_ type: ZoneType, _ start: UInt64, _ pages: UInt64) -> GuestGeometry.ZoneExtent {
      let reserved: UInt64 = start == 0 ? 256 : 0
      return GuestGeometry.ZoneExtent(
        node: 0, nodeID: 0, type: type, startPFN: start, spannedPages: pages, managedPages: pages - reserved,
        reservedAtStart: reserved)
    }
    let guest = try Guest(
      GuestGeometry(
        zones: [zone(.dma, 0, 4096), zone(.normal, 4096, 28_672), zone(.movable, 32_768, 16_384)], nodeCount: 1,
        cpuCount: 3, granuleOrder: 0))
    try guest.age(Aging(freeFraction: 0.6), seed: 1)
    return guest
  }

  private func violations<S: StrategyPasses>(of type: S.Type, fault: String, lowestOrder: Int) throws -> [Violation] {
    let entry = StrategyEntry(type)
    return try ConformanceCheck(
      entry: entry, configured: entry.configured(["fault": fault]), guest: guest(), lowestOrder: lowestOrder,
      stopDraw: 3
    ).violations()
  }

  @Test(arguments: readerFaults)
  func aFaultyReaderIsCaught(_ fault: String, _ rule: Violation.Rule) throws {
    let found = try violations(of: FaultyReader.self, fault: fault, lowestOrder: 0)
    #expect(found.contains { $0.rule == rule }, "\(fault): found \(found)")
  }

  @Test(arguments: takerFaults)
  func aFaultyTakerIsCaught(_ fault: String, _ rule: Violation.Rule) throws {
    let found = try violations(of: FaultyTaker.self, fault: fault, lowestOrder: 10)
    #expect(found.contains { $0.rule == rule }, "\(fault): found \(found)")
  }

  @Test func theSameDesignsWithoutAFaultKeepTheRules() throws {
    let reader = try violations(of: FaultyReader.self, fault: "none", lowestOrder: 0)
    #expect(reader.isEmpty)
    let taker = try violations(of: FaultyTaker.self, fault: "none", lowestOrder: 10)
    #expect(taker.isEmpty)
  }

  @Test func aWrongAccountIsCaught() throws {
    let entry = StrategyEntry(FaultyReader.self)
    var check = ConformanceCheck(entry: entry, configured: try entry.configured(), guest: try guest(), lowestOrder: 9)
    check.account = { SessionAccount($0, lowestOrder: $1, hints: $2.dropLast()) }
    let found = try check.violations()
    #expect(found.map(\.rule) == [.accountDiffers])
  }

  @Test func everyRuleIsShownToFail() {
    let shown = Set((Self.readerFaults + Self.takerFaults).map(\.rule) + [.accountDiffers])
    #expect(shown == Set(Violation.Rule.allCases))
  }
}
