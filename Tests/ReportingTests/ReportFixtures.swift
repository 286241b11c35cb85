import Experiments
import Foundation
import Records

@testable import Reporting

/// A small run that has all that a report must tell apart, written as a run is.
enum ReportFixtures {
  /// A name with all that means something in HTML, Markdown, SVG or to gnuplot.
  static let rude = "page-reporting:order=<b>x</b>&'\"|_*`date`$x%d#{}\\n"
  static let strategies = [
    "none", "budgeted-resume:budget=1000:restarts=64:check=buddy", "step-iterator:step=1", rude,
    "page-reporting:order=9",
  ]

  /// What marks the cell that is oversubscribed: nothing else has this figure.
  static let oversubscribedMarker = 77_777.0
  static let oversubscribed = "walk-callback"

  static func host() -> JSONValue {
    [
      "hostname": "h<o>st", "kernel": "6.1.0", "cpu_model": "A & B", "allowed_cpus": [0, 1], "caches": [],
      "numa_nodes": [], "build": ["mode": "release", "compiler": "x"],
    ]
  }

  /// - Parameters:
  ///   - sizes: guests and their granules.
  ///   - isFinished: else cells.csv and the end are missing, as of a run that was killed.
  static func write(
    to folder: String, runID: String = "r1",
    sizes: [(bytes: UInt64, granule: Int)] = [(8 << 30, 0), (64 << 30, 0), (4 << 40, 9)],
    states: [String] = ["fresh", "aged"], strategies: [String] = strategies, kernels: [String] = ["6.12"],
    isFinished: Bool = true
  ) throws {
    var meta = RunFixtures.meta
    meta.runID = runID
    meta.host = host()
    meta.commandLine = ["hintbench", "run", "--out", "<script>alert('x')</script> | _a_"]
    meta.limits = ["probe_in_hold_ns": ["queued": ["median": 30, "lowest": 29, "highest": 31]]]
    let run = try RunFolder.create(at: folder, meta: meta)
    var cells: [CellRecord] = []
    for (bytes, granule) in sizes {
      for state in states {
        for (kernel, strategy) in kernels.flatMap({ kernel in
          (strategies + (granule == 0 ? [oversubscribed] : [])).map { (kernel, $0) }
        }) {
          let index = strategies.firstIndex(of: strategy)
          let repetitions = (0..<3).map { repetition in
            record(
              runID, strategy, index ?? 1, bytes, granule, state, kernel, repetition, isOversubscribed: index == nil)
          }
          for record in repetitions {
            try run.commit(record, holds: index == 0 ? [] : holds(of: record))
          }
          let hold = Double(index ?? 1) * 4000 * Double(bytes >> 33)
          cells.append(
            CellSummary.record(
              of: repetitions, limitNsPerBlock: 20, holdLimitNs: 50_000,
              lockHoldNsMaxRepeatable: index == 0 ? nil : hold)!)
        }
      }
    }
    if isFinished { try run.finish(cells: cells, meta: RunFixtures.finished(meta)) }
  }

  private static func record(
    _ runID: String, _ strategy: String, _ index: Int, _ bytes: UInt64, _ granule: Int, _ state: String,
    _ kernel: String, _ repetition: Int, isOversubscribed: Bool
  ) -> RunRecord {
    let cell = CellID.make(from: [
      ("strategy", strategy), ("bytes", "\(bytes)"), ("state", state), ("granule", "\(granule)"),
      ("kernel", kernel),
    ])
    var run = RunFixtures.run(cell: cell, repetition: repetition)
    run.identity.runID = runID
    run.identity.strategy = strategy
    run.guest.bytes = bytes
    run.guest.granuleOrder = granule
    run.guest.state = state
    run.guest.kernelRules = kernel
    run.guest.source = "model"
    run.guest.listOrder = state == "fresh" ? "ascending" : "churned"
    run.guest.order = 10
    run.load.oversubscribed = isOversubscribed
    run.found.coverage = index == 0 ? 0 : 1
    run.found.coverageFree = index == 0 ? 0 : state == "fresh" ? 0.999 : 0.6
    guard index > 0 else { return run }
    let drift = 1 + Double(repetition) / 10
    if strategy == "page-reporting:order=9" { run.bystanders.irqoffNsP999 = 27_000 }
    run.speed.msPerTiB = isOversubscribed ? oversubscribedMarker : 8 * drift * Double(index)
    run.speed.nsPerBlock = 32 * drift * Double(index)
    run.lock.acquisitions = 10
    run.lock.holdNsP50 = 300
    run.lock.holdNsMax = Double(index) * 5000 * Double(bytes >> 33) * drift
    return run
  }

  private static func holds(of run: RunRecord) -> [HoldBucketRecord] {
    [(300.0, 7), (900, 2), ((run.lock.holdNsMax ?? 0).rounded(), 1)].map { upper, count in
      HoldBucketRecord(
        runID: run.identity.runID, cellID: run.identity.cellID, repetition: run.identity.repetition, phase: .collect,
        kind: .hold, upperNs: upper, count: count)
    }
  }

  /// The plots of a run's page, and the page, drawn by nothing.
  static func page(_ folders: [String]) throws -> (page: ReportPage, plots: [Plot]) {
    final class Plots { var all: [Plot] = [] }
    let plots = Plots()
    let runs = try folders.map { try ReportRun($0) }
    let page = try Report.page(of: runs) { (plot) throws(UserError) in
      plots.all.append(plot)
      return try SVGPicture("<svg></svg>", of: plot)
    }
    return (page, plots.all)
  }
}
