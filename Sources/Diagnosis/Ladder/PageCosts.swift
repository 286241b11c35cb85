import Instruments
import Machine

/// Measures getting pages from the system and giving them back.
enum PageCosts {
  /// The memory a round works on, unless a single piece is larger. Bytes.
  private static func regionBytes(_ page: HostPage) -> Int { FirstTouchCosts.regionBytes(page) }

  static func steps(_ effort: LadderEffort, _ host: LadderHost) -> [LadderStep] {
    HostPage.allCases.map { firstTouch($0, effort, host) } + [firstTouchSplit(effort, host)]
      + HostPage.allCases.flatMap { page in
        effort.discards.filter { $0 >= page.rawValue }.map { discard(Int($0), page, effort, host) }
      }
  }

  /// Measures a page fault, including the zeroing in it.
  private static func firstTouch(_ page: HostPage, _ effort: LadderEffort, _ host: LadderHost) -> LadderStep {
    let primitive = Primitive("first-touch", "the first touch of a page", per: "page").with {
      $0.operationBytes = UInt64(page.rawValue)
      $0.pageBytes = UInt64(page.rawValue)
    }
    return LadderStep("first touch of pages", [primitive]) {
      let bytes = regionBytes(page)
      try host.check(room: UInt64(bytes))
      let mapping = try HostMapping(bytes: bytes, page: page)
      mapping.touch()
      try mapping.checkPages(host)
      return [.measured(try FirstTouchCosts.pages(mapping, rounds: effort.rounds))]
    }
  }

  /// Measures the fault where a page of 4 KiB was punched into one of 2 MiB.
  private static func firstTouchSplit(_ effort: LadderEffort, _ host: LadderHost) -> LadderStep {
    let primitive = Primitive(
      "first-touch-split", "the first touch of a page punched into a page of 2 MiB", per: "page"
    )
    .with {
      $0.operationBytes = UInt64(HostPage.small.rawValue)
      $0.pageBytes = UInt64(HostPage.huge.rawValue)
    }
    return LadderStep("first touch of split pages", [primitive]) {
      let bytes = regionBytes(.huge)
      try host.check(room: UInt64(bytes))
      let mapping = try HostMapping(bytes: bytes, page: .huge)
      mapping.touch()
      try mapping.checkPages(host)
      return [.measured(try FirstTouchCosts.splitPages(rounds: effort.rounds))]
    }
  }

  /// Measures madvise(MADV_DONTNEED) of populated memory.
  private static func discard(
    _ bytes: Int, _ page: HostPage, _ effort: LadderEffort, _ host: LadderHost
  ) -> LadderStep {
    let primitive = Primitive("discard", "madvise(MADV_DONTNEED)", per: "call").with {
      $0.operationBytes = UInt64(bytes)
      $0.pageBytes = UInt64(page.rawValue)
    }
    let region = max(bytes, regionBytes(page))
    return LadderStep(
      "giving pages back", [primitive], work: .init("discard on \(page)", amount: Double(region)),
      isLong: region >= 1 << 30
    ) {
      try host.check(room: UInt64(region))
      let mapping = try HostMapping(bytes: region, page: page)
      mapping.touch()
      try mapping.checkPages(host)
      return [
        .measured(
          try RungFigure(rounds: effort.rounds, operations: region / bytes) { count in
            mapping.touch()
            let begin = CycleClock.begin()
            for index in 0..<count { try mapping.discard(bytes, at: index * bytes) }
            return CycleClock.ticks(from: begin, to: CycleClock.end())
          })
      ]
    }
  }
}
