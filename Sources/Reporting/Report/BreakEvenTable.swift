import Records

/// The value of hints to a migration: time saved per second of guest CPU, and the work the guest's users got done.
///
/// A repetition is compared with the one of `none` in the same run with the same number, and thus the same seed. A cell
/// without a matching `none` isn't in the table.
struct BreakEvenTable {
  /// The table; nil if nothing can be compared.
  let content: TableContent?

  /// Cells that differ only in strategy and size.
  struct Line {
    /// The description; empty if there is only one.
    var condition: String
    var cells: [ReportCell]
  }

  init(_ lines: [Line], _ data: ExperimentData) {
    var rows: [[String]] = []
    for line in lines {
      let bySize = Dictionary(grouping: line.cells, by: Size.init)
      for (size, cells) in bySize.sorted(by: { $0.key < $1.key }) {
        guard let plain = cells.first(where: { $0.variant.base == "none" }) else { continue }
        for cell in cells where cell.variant.base != "none" {
          let worth = Self.worth(of: data.rows(cell), beside: data.rows(plain))
          rows.append(
            [
              line.condition, data.runs.count > 1 ? "run \(data.runs[size.run].meta.runID)" : "",
              Figure.bytes(size.bytes) + (cell.isCoarse ? " (granule \(size.granule))" : ""),
              data.label(cell.variant),
            ] + worth.map { Figure.spread(MetricSummary($0)).map { $0.median + $0.range } ?? Figure.missing })
        }
      }
    }
    guard !rows.isEmpty else {
      content = nil
      return
    }
    var titles = [
      "conditions", "run", "guest", "strategy", "saved s", "saved %", "guest CPU ms", "saved s per guest CPU s",
    ]
    titles += ["operations % of none's", "operations per second % of none's"]
    // Stated once if it is the same everywhere, and not at all if nothing was measured.
    for index in titles.indices.reversed() where index != 3 {
      let values = Set(rows.map { $0[index] })
      if values == [""] || values == [Figure.missing] {
        titles.remove(at: index)
        for row in rows.indices { rows[row].remove(at: index) }
      }
    }
    content = TableContent(
      caption: "What hints save a migration: medians (lowest–highest repetition)",
      titles: titles, rows: rows,
      leftAligned: Set(titles.indices.filter { ["conditions", "run", "guest", "strategy"].contains(titles[$0]) }),
      note: """
        Compared with the repetition of none that has the same number. saved s per guest CPU s: a strategy is worth \
        its CPU time if this is above 1 and a second of migration and a second of one guest CPU are worth the same. \
        With the virtual clock users act at a set rate, so their operations depend on the time alone. Above granule 0 \
        the guest's CPU time is a lower bound, and its worth an upper one.
        """)
  }

  private struct Size: Hashable, Comparable {
    let bytes: UInt64
    let granule: Int
    let run: Int

    init(_ cell: ReportCell) {
      bytes = cell.cell.guestBytes
      granule = cell.cell.granuleOrder ?? 0
      run = cell.run
    }

    static func < (left: Self, right: Self) -> Bool {
      (left.bytes, left.granule, left.run) < (right.bytes, right.granule, right.run)
    }
  }

  /// Each column's values, one per repetition that both have.
  static func worth(of rows: [[String: String]], beside plain: [[String: String]]) -> [[Double]] {
    func value(_ row: [String: String], _ column: String) -> Double? { row[column].flatMap(Double.init) }
    let base = Dictionary(plain.compactMap { row in row["repetition"].map { ($0, row) } }) { first, _ in first }
    var columns = [[Double]](repeating: [], count: 6)
    for row in rows {
      guard let other = row["repetition"].flatMap({ base[$0] }), let total = value(row, "total_ns"),
        let without = value(other, "total_ns"), total > 0, without > 0
      else { continue }
      columns[0].append((without - total) / 1e9)
      columns[1].append((without - total) / without * 100)
      if let cpu = value(row, "session_cpu_ns"), cpu > 0 {
        columns[2].append(cpu / 1e6)
        columns[3].append((without - total) / cpu)
      }
      if let done = value(row, "operations"), let usual = value(other, "operations"), usual > 0 {
        columns[4].append(done / usual * 100)
        columns[5].append(done / total / (usual / without) * 100)
      }
    }
    return columns
  }
}
