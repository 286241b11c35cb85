import Instruments
import Migration

/// Measures the kernel's dirty log, which migrations by the real clock depend on: the guest's cost for the first write
/// to a page after a sync, and the host's cost of a sync.
enum DirtyLogCosts {
  private static let pages = 1 << 14

  private static let firstWrite = Primitive(
    "protected-write", "the first write to a page in the dirty log", per: "page"
  ).with { $0.pageBytes = 4096 }

  private static func sync(_ state: String) -> Primitive {
    Primitive("dirty-log-sync", "a sync of the dirty log", per: "page").with {
      $0.operationBytes = 4096
      $0.pageBytes = 4096
      $0.state = state
    }
  }

  static func steps(_ effort: LadderEffort, _ host: LadderHost) -> [LadderStep] {
    [
      LadderStep("the dirty log", [firstWrite, sync("all pages written"), sync("none written")]) {
        try host.check(room: UInt64(pages) << 12)
        let ram = try GuestRAM(pages: pages)
        let log = try WriteProtectLog(ram)
        var bitmap = MigrationBitmap(units: pages, allSet: false)
        // The pages and their page tables are populated.
        for page in 0..<pages { ram.touch(page) }
        try log.start()
        var costs: [[Double]] = [[], [], []]
        let patience = Patience()
        for round in 0..<effort.rounds where !patience.isOver(rounds: round) {
          let begin = CycleClock.begin()
          for page in 0..<pages { ram.touch(page) }
          let written = CycleClock.end()
          try log.sync(into: &bitmap)
          let synced = CycleClock.end()
          try log.sync(into: &bitmap)
          let ticks = [
            CycleClock.ticks(from: begin, to: written), CycleClock.ticks(from: written, to: synced),
            CycleClock.ticks(from: synced, to: CycleClock.end()),
          ]
          for (index, ticks) in ticks.enumerated() {
            costs[index].append(CycleClock.nanoseconds(fromTicks: ticks) / Double(pages))
          }
          guard bitmap.clear(0..<pages) == pages else { throw LadderError("the log missed pages that were written") }
        }
        return costs.map { .measured(RungFigure(costs: $0, operations: pages)) }
      }
    ]
  }
}
