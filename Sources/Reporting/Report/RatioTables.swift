import Records

/// How many times a design is cheaper than one on the record, guest by guest: of CPU time and of the longest hold.
struct RatioTables {
  /// The designs that others are held against: what was walked under the lock for six years, and what is merged.
  static let bases = ["walk-callback", "page-reporting"]

  private struct Metric {
    let title: String
    let value: @Sendable (RunRecord) -> Double?
  }

  private static let metrics = [
    Metric(title: "CPU time") { $0.speed.guestCPUNs },
    Metric(title: "longest hold of zone->lock") { $0.lock.longestHold },
  ]

  /// A table for each base and metric, of cells that differ in the guest's size and state alone; none without another design
  /// beside the base. Coarse guests are left out: their times are bounds.
  static func all(of data: ExperimentData) -> [TableContent] {
    let cells = data.cells.filter { !$0.isCoarse }
    return CellGroups(cells, open: [.size, .state, .free, .listOrder, .vmemmap]).groups.flatMap { group in
      bases.flatMap { base in metrics.compactMap { table(group, base, $0, data) } }
    }
  }

  private static func table(
    _ group: CellGroups.Group, _ base: String, _ metric: Metric, _ data: ExperimentData
  ) -> TableContent? {
    let variants = data.variants(group.cells)
    // Several settings of the base: the first that was asked for.
    guard let basis = variants.first(where: { $0.base == base }) else { return nil }
    var guests: [String] = []
    for guest in group.cells.map(guest) where !guests.contains(guest) { guests.append(guest) }
    var rows: [[String]] = []
    for variant in variants where variant != basis {
      let fields = guests.map { guest in
        let own = group.cells.filter { Self.guest($0) == guest }
        return ratio(
          own.first { $0.variant == basis }, own.first { $0.variant == variant }, metric) ?? Figure.missing
      }
      if fields.contains(where: { $0 != Figure.missing }) { rows.append([data.label(variant)] + fields) }
    }
    guard !rows.isEmpty else { return nil }
    return TableContent(
      caption: "\(metric.title): \(data.label(basis))'s over each design's"
        + (group.title.isEmpty ? "" : ": \(group.title)"),
      titles: ["strategy"] + guests, rows: rows, leftAligned: [0],
      note:
        "Above 1: so many times less than \(data.label(basis)). Medians of the ratios of the same repetition (their "
        + "interval at 95 %; with fewer than 6 repetitions the lowest to the highest).")
  }

  private static func guest(_ cell: ReportCell) -> String {
    [Condition.size, .state, .free].compactMap { cell.conditions[$0] }.filter { !$0.isEmpty }.joined(separator: ", ")
      .replacing(" guest", with: "")
  }

  private static func ratio(_ base: ReportCell?, _ other: ReportCell?, _ metric: Metric) -> String? {
    guard let base, let other else { return nil }
    let own = Dictionary(other.repetitions.map { ($0.identity.repetition, $0) }) { first, _ in first }
    let ratios = base.repetitions.compactMap { run -> Double? in
      guard let value = metric.value(run), let beside = own[run.identity.repetition].flatMap(metric.value), beside > 0
      else { return nil }
      return value / beside
    }.sorted()
    guard let median = MedianInterval.median(sorted: ratios), let interval = MedianInterval(sorted: ratios) else {
      return nil
    }
    return "\(Figure.number(median)) (\(Figure.number(interval.low))–\(Figure.number(interval.high)))"
  }
}
