import Records

/// Published migrations beside those measured under the same conditions.
enum PublishedTable {
  /// A table for each preset that the report has cells of.
  static func all(of cells: [ReportCell], _ data: ExperimentData) -> [TableContent] {
    data.published.compactMap { table($0, cells, data) }
  }

  private static func table(
    _ preset: PublishedMigration, _ cells: [ReportCell], _ data: ExperimentData
  ) -> TableContent? {
    let own = cells.filter { cell in
      guard let run = cell.repetitions.first, let setting = MigrationSetting(data.rows(cell)) else { return false }
      return preset.describes(run, bandwidth: Double(setting.bandwidth), downtimeLimitNs: setting.downtimeLimit)
    }
    guard !own.isEmpty else { return nil }
    var rows: [[String]] = []
    for figure in preset.figures {
      rows.append([
        figure.published, "published", preset.strategy, milliseconds(figure.without), milliseconds(figure.withHints),
        percent([(figure.without, figure.withHints)]),
      ])
      let loaded = own.filter { $0.cell.load == figure.load }
      var places: [[String]] = []
      for cell in loaded {
        let place = place(cell, data)
        if !places.contains(place) { places.append(place) }
      }
      for place in places {
        let group = loaded.filter { Self.place($0, data) == place }
        guard let plain = group.first(where: { $0.variant.base == "none" }) else { continue }
        let without = totals(data.rows(plain))
        for cell in group where cell.variant.base != "none" {
          let with = totals(data.rows(cell))
          let pairs = with.compactMap { repetition, total in without[repetition].map { ($0, total) } }
          rows.append([
            figure.load == "none" ? "idle" : "load \(figure.load)",
            place.filter { !$0.isEmpty }.joined(separator: ", "), data.label(cell.variant),
            spread(Array(without.values)), spread(Array(with.values)), percent(pairs),
          ])
        }
      }
    }
    return TableContent(
      caption: "\(preset.source) and this run: \(preset.machine)",
      titles: ["load", "measured", "strategy", "without hints ms", "with hints ms", "less %"], rows: rows,
      leftAligned: [0, 1, 2],
      note: "For comparison only. Differences: " + preset.differences.joined(separator: "; ") + ".")
  }

  /// The clock, and the run if there are several.
  private static func place(_ cell: ReportCell, _ data: ExperimentData) -> [String] {
    let clock = MigrationSetting(data.rows(cell))?.clock ?? ""
    return [
      clock.isEmpty ? "here" : "here, \(clock) clock",
      data.runs.count > 1 ? "run \(data.runs[cell.run].meta.runID)" : "",
    ]
  }

  private static func totals(_ rows: [[String: String]]) -> [String: Double] {
    Dictionary(
      rows.compactMap { row in
        row["repetition"].flatMap { key in row["total_ns"].flatMap(Double.init).map { (key, $0) } }
      }
    ) { first, _ in first }
  }

  private static func milliseconds(_ nanoseconds: Double) -> String { Figure.count(nanoseconds / 1e6) }

  private static func spread(_ nanoseconds: [Double]) -> String {
    Figure.spread(MetricSummary(nanoseconds), per: 1e6).map { $0.median + $0.range } ?? Figure.missing
  }

  private static func percent(_ pairs: [(without: Double, with: Double)]) -> String {
    Figure.spread(MetricSummary(pairs.map { (1 - $0.with / $0.without) * 100 })).map { $0.median + $0.range }
      ?? Figure.missing
  }
}
