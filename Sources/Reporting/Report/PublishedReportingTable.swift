import Records

/// Published grids of reporting beside what was measured under the same conditions.
enum PublishedReportingTable {
  /// A table for each preset that the report has cells of.
  static func all(_ measured: [(cell: ReportCell, point: ReportingPoint)], _ data: ExperimentData) -> [TableContent] {
    data.publishedReporting.compactMap { preset in
      let own = measured.filter { entry in entry.cell.repetitions.first.map(preset.describes) ?? false }
      return own.isEmpty ? nil : table(preset, own.map(\.point))
    }
  }

  private static func table(_ preset: PublishedReporting, _ points: [ReportingPoint]) -> TableContent {
    let base = preset.baseline
    func published(_ figure: PublishedReporting.Figure) -> [String] {
      [
        Figure.count(figure.seconds), Figure.number((figure.seconds / base.seconds - 1) * 100, decimals: 1),
        Figure.count(figure.systemSeconds), Figure.count(figure.gibMinutes), Figure.number(figure.gibMean),
        Figure.number((1 - figure.gibMean / base.gibMean) * 100, decimals: 0),
      ]
    }
    let guest = Double(preset.guestBytes) / 0x1p30
    func own(_ point: ReportingPoint?) -> [String] {
      guard let point else { return Array(repeating: Figure.missing, count: 4) }
      let mean = point.hostBytes / 0x1p30
      return [
        Figure.number(point.costShare * 100), Figure.number(point.gibMinutes), Figure.number(mean),
        Figure.number((1 - mean / guest) * 100, decimals: 0),
      ]
    }
    let nothing = Array(repeating: Figure.missing, count: 4)
    let rows =
      [["without reporting"] + published(base) + ["0", Figure.missing, Figure.number(guest), "0"]]
      + preset.settings.map { setting in
        ["order \(setting.order), \(setting.delay) ms, \(setting.capacity)"] + published(setting.figure)
          + own(points.first { setting.isSame(as: $0.strategy) })
      } + preset.others.map { [$0.name] + published($0.figure) + nothing }
    return TableContent(
      caption: "\(preset.source) and this run: \(preset.machine)",
      titles: [
        "order, delay, capacity", "their s", "longer %", "system s", "GiB min", "mean GiB", "less %", "our cost %",
        "GiB min", "mean GiB", "less %",
      ], rows: rows,
      note: "Figures before \"our\" are theirs. For comparison only. Differences: "
        + preset.differences.joined(separator: "; ") + ".")
  }
}
