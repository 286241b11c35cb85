import Instruments
import Records
import Reporting

/// `hintbench doctor` as text: the findings, the guest sizes and the noise.
public struct DoctorTable {
  private let report: DoctorReport
  private let width: Int

  /// Creates the table. `width`: the width that sentences are wrapped to; commands are never broken.
  public init(_ report: DoctorReport, width: Int = 140) {
    self.report = report
    self.width = width
  }

  public var text: String {
    [findings, nodes, guests, noise].joined(separator: "\n") + "\n"
  }

  // MARK: parts

  private var findings: String {
    let room = max(40, width - 30)
    var rows: [[String]] = []
    for finding in report.findings {
      var lines = TableText.wrap(finding.found, width: room)
      if let why = finding.why { lines += TableText.wrap("why: " + why, width: room) }
      if let mend = finding.mend { lines.append("fix: " + mend) }
      rows += lines.enumerated().map { $0 == 0 ? [finding.what, finding.state.rawValue, $1] : ["", "", $1] }
    }
    return TextListing(titles: ["what", "state", "found"], rows: rows).text
  }

  private var nodes: String { report.nodes.map { $0.line + "\n" }.joined() }

  private var guests: String {
    let rows = report.guests.map { fit in
      [
        fit.guest, fit.wholeBlocks ? "all" : "read-only", size(fit.exact2m), size(fit.exact4k),
        fit.automatic.map { "granule \($0.granuleOrder), \($0.vmemmap): \(size($0.bytes))" } ?? "doesn't fit",
        fit.automatic?.granuleOrder == 0 ? "auto" : fit.exactWith ?? "not here",
      ]
    }
    let table = TextListing(
      titles: ["guest", "strategies", "exact, 2m", "exact, 4k", "auto gives", "exact with"], rows: rows)
    return "Host memory a guest needs, aged (granule 0 is exact; vmemmap in 2m or 4k pages):\n\n" + table.text
  }

  private func size(_ bytes: UInt64) -> String { "\(ByteSize(bytes: bytes))" }

  private var noise: String {
    guard let noise = report.noise else { return "Noise: not measured (\(report.noiseMissing ?? "")).\n" }
    var rows: [[String]] = []
    for cell in noise.cells {
      for (index, metric) in cell.metrics.enumerated() {
        let name = index == 0 ? StrategyNames.short([cell.strategy])[0] : ""
        rows.append(
          [name, metric.name, median(metric), percent(metric.spread), percent(metric.difference)]
            + metric.resolvable.map(percent))
      }
    }
    let counts = NoiseReport.repetitions.map(String.init)
    let table = TableText.render(
      titles: ["strategy", "metric", "median", "spread", "A/A"] + counts.map { "n=\($0)" }, rows: rows,
      leftAligned: [0, 1])
    let cells = noise.cells.map { cell in
      "\(StrategyNames.short([cell.strategy])[0]) \(cell.repetitions) repetitions, "
        + (cell.preempted.map { "\($0) of them preempted" } ?? "preemption \(Finding.notTold)")
    }
    let explanation = """
      spread: interquartile range over the median. A/A: difference between the medians of two halves of the \
      repetitions that did the same work (alternating; a seeded coin decides which goes first). n=N: 95th percentile \
      of the difference between two medians of N repetitions (last metric: two repeatable maxima): a difference \
      between strategies must exceed it. From \(draws) seeded resamples, no distribution assumed; - if there are too \
      few repetitions.
      """
    return
      "Noise: the same work repeated for \(Figure.count(noise.seconds)) s (\(noise.guest)): "
      + cells.joined(separator: "; ") + ".\n\n" + table + "\n"
      + TableText.wrap(explanation, width: width).joined(separator: "\n") + "\n"
  }

  private var draws: Int { NoiseReport.draws }

  private func median(_ metric: NoiseReport.Metric) -> String {
    metric.unit == "ns" ? Figure.time(ns: metric.median) : "\(Figure.number(metric.median)) \(metric.unit)"
  }

  private func percent(_ share: Double?) -> String {
    share.map { "\(Figure.number($0 * 100)) %" } ?? Figure.missing
  }
}
