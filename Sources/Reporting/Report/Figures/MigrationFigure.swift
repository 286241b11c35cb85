/// The migration time with each strategy, and the value of its hints.
enum MigrationFigure: ReportFigure {
  static let name = "time"
  static let title = "How long a migration takes"
  static let caption = """
    From the setup to the end of the switch-over. Marks are medians, bars span the lowest to the highest repetition. \
    With the virtual clock guest and strategy really run, and the costs of sending, zero detection and syncing are \
    measured or set (migration.csv: bandwidth, send_ns, zero_check_ns, sync_ns); with the real clock everything is \
    timed. Below: what the time saved costs the guest, and what was published for the same conditions, if a run had \
    those.
    """
  static let source = "migration.csv: total_ns, session_cpu_ns, operations, clock, bandwidth, downtime_limit_ns"

  static func content(of data: ExperimentData) -> FigureContent? {
    guard data.card.name == "migration" else { return nil }
    let cells = data.cells.filter { data.summary(data.rows($0), "total_ns").median != nil }
    guard !cells.isEmpty else { return nil }
    let settings = cells.reduce(into: [MigrationSetting]()) { settings, cell in
      if let setting = MigrationSetting(data.rows(cell)), !settings.contains(setting) { settings.append(setting) }
    }
    var content = FigureContent(panels: [], cells: cells, common: "", panelHeight: 320)
    let (shared, differing) = MigrationSetting.parts(of: settings)
    let times = cells.flatMap { cell -> [Double] in
      let total = data.summary(data.rows(cell), "total_ns")
      return [total.lowest, total.highest].compactMap { $0 }
    }
    let y = PlotAxis.time("whole migration", times)
    let hasLoads = Set(cells.map(\.cell.load)).count > 1
    var breakEven: [BreakEvenTable.Line] = []
    for setting in settings {
      let own = cells.filter { MigrationSetting(data.rows($0)) == setting }
      let sweep = SizeSweep(own, of: data)
      content.columns = settings.count == 1 && sweep.groups.groups.count == 1 ? 1 : 2
      let width = Plot(name: "", title: "", columns: content.columns, panels: []).panelWidth
      let x = sweep.axis(panelWidth: width)
      for group in sweep.groups.groups {
        // All cells of one setting may have one load, and those of another several.
        let load = group.cells.first?.conditions[.load] ?? ""
        let title = [
          group.title, hasLoads && !group.title.contains(load) ? load : "", differing[setting] ?? "",
        ].filter { !$0.isEmpty }.joined(separator: ", ")
        let series = sweep.series(group) { cell in
          let total = data.summary(data.rows(cell), "total_ns")
          return total.median.map { .init(x: Double(cell.cell.guestBytes), y: $0, ySpan: total.span) }
        }
        content.panels.append(PlotPanel(title: title, x: x, y: y, series: series))
        breakEven.append(.init(condition: title, cells: group.cells))
      }
    }
    content.common = [CellGroups(cells, open: [.size, .granule, .vmemmap]).common, shared].filter { !$0.isEmpty }
      .joined(separator: ", ")
    content.opensTables = true
    content.tables = [BreakEvenTable(breakEven, data).content].compactMap { $0 } + PublishedTable.all(of: cells, data)
    return content
  }
}

/// The settings that distinguish migrations, beside the conditions of their cells.
struct MigrationSetting: Hashable {
  let clock: String
  /// The bandwidth. Bytes a second.
  let bandwidth: UInt64
  /// The downtime limit. Nanoseconds.
  let downtimeLimit: Double

  /// Creates the setting of a cell's rows, which share it; nil without rows.
  init?(_ rows: [[String: String]]) {
    guard let row = rows.first,
      let bandwidth = row["bandwidth"].flatMap(Double.init).flatMap({ UInt64(exactly: $0.rounded()) }),
      let limit = row["downtime_limit_ns"].flatMap(Double.init)
    else { return nil }
    clock = row["clock"] ?? ""
    self.bandwidth = bandwidth
    downtimeLimit = limit
  }

  private var words: [String] {
    [
      clock.isEmpty ? "" : "\(clock) clock", "\(Figure.bytes(bandwidth))/s",
      "downtime at most \(Figure.time(ns: downtimeLimit))",
    ]
  }

  /// The descriptions of what the settings have in common, and of what distinguishes each.
  static func parts(of settings: [MigrationSetting]) -> (shared: String, differing: [MigrationSetting: String]) {
    let all = settings.map(\.words)
    let count: Int = all.first?.count ?? 0
    let isShared: [Bool] = (0..<count).map { part in Set(all.map { $0[part] }).count == 1 }
    func join(_ words: [String], shared: Bool) -> String {
      var kept: [String] = []
      for (word, isCommon) in zip(words, isShared) where isCommon == shared && !word.isEmpty { kept.append(word) }
      return kept.joined(separator: ", ")
    }
    return (
      all.first.map { join($0, shared: true) } ?? "",
      Dictionary(zip(settings, all.map { join($0, shared: false) })) { first, _ in first }
    )
  }
}
