import Records

/// An experiment's own results as a table for a terminal: a row per cell and setting, with medians over the repetitions
/// and the lowest and highest in parentheses.
public struct ExperimentTable {
  private let card: ExperimentCard
  private let cells: [CellRecord]
  private let runs: [String: RunRecord]
  private let rows: [[String: String]]
  private let width: Int

  /// - Parameters:
  ///   - cells: the run's cells in order; those of other experiments are ignored.
  ///   - runs: their repetitions.
  ///   - rows: the rows of EXPERIMENT.csv, by column.
  ///   - width: the text width; a wider table is split into several, one below the other. By default the terminal's.
  public init(
    _ card: ExperimentCard, cells: [CellRecord], runs: [RunRecord], rows: [[String: String]], width: Int? = nil
  ) {
    self.card = card
    self.width = width ?? TableText.width
    self.cells = cells.filter { $0.experiment == card.name }
    self.runs = Dictionary(runs.map { ($0.identity.cellID, $0) }) { first, _ in first }
    // As in a cell's summary: figures of a failed repetition aren't the cell's.
    let broken = Set(runs.filter { $0.found.outcome == .error }.map(\.key))
    self.rows = rows.filter { row in
      !broken.contains(
        RepetitionKey(cellID: row["cell_id"] ?? "", repetition: row["repetition"].flatMap { Int($0) } ?? -1))
    }
  }

  /// The table's text; nil if there is nothing to show.
  public var text: String? {
    guard let table = content(allColumns: false) else { return nil }
    let parts = TableText.renderInParts(
      titles: table.titles, rows: table.rows, keys: table.leftAligned.count, width: width)
    return "\(table.caption ?? "")\n" + parts.joined(separator: "\n") + (table.note.map { $0 + "\n" } ?? "")
  }

  /// The table; nil if there is nothing to show.
  ///
  /// - Parameter allColumns: includes columns that aren't primary.
  func content(allColumns: Bool) -> TableContent? {
    let keys = card.columns.filter(\.isKey)
    let metrics = card.columns.filter { !$0.isKey && (allColumns || $0.isPrimary) }
    let byCell = Dictionary(grouping: rows) { $0["cell_id"] ?? "" }
    var lines: [(cell: CellRecord, key: [String], rows: [[String: String]])] = []
    for cell in cells {
      var order: [[String]] = []
      var groups: [[String]: [[String: String]]] = [:]
      for row in byCell[cell.cellID] ?? [] {
        let key = keys.map { column in row[column.name].map { Self.shown($0, column.unit) } ?? Figure.missing }
        if groups[key] == nil { order.append(key) }
        groups[key, default: []].append(row)
      }
      lines += order.map { (cell, $0, groups[$0] ?? []) }
    }
    guard !lines.isEmpty else { return nil }

    var titles =
      ["guest", "kernel", "load", "ack ns", "strategy", "oversubscribed", "preempted"]
      + keys.map { Self.title($0.name, "") }
    var fields = lines.map { line in
      [
        [Figure.bytes(line.cell.guestBytes), line.cell.state].filter { !$0.isEmpty }.joined(separator: " "),
        runs[line.cell.cellID]?.guest.kernelRules.flatMap { $0.isEmpty ? nil : $0 } ?? Figure.missing,
        line.cell.load,
        runs[line.cell.cellID]?.load.hostAckNs.map { Figure.count($0) } ?? Figure.missing, line.cell.strategy,
        line.cell.oversubscribed ? "yes" : "no",
        line.cell.preemptedRepetitions == nil ? Figure.missing : Figure.preempted(line.cell) ?? "no",
      ] + line.key
    }
    // Anything common to every row is stated once, above, but for what is usual.
    var constant: [String] = []
    for index in titles.indices.reversed() where titles[index] != "strategy" {
      let values = Set(fields.map { $0[index] })
      guard values.count == 1, let only = values.first else { continue }
      let isUsual = only == Figure.missing || only == "no"
      if !isUsual { constant.insert("\(titles[index]) \(only)", at: 0) }
      titles.remove(at: index)
      for row in fields.indices { fields[row].remove(at: index) }
    }
    let settings = titles.count
    let names = StrategyNames.short(lines.map(\.cell))
    if let column = titles.firstIndex(of: "strategy") {
      for row in fields.indices { fields[row][column] = names[row] }
    }
    for metric in metrics {
      let values = lines.map { line in line.rows.compactMap { $0[metric.name] }.compactMap(Double.init) }
      guard values.contains(where: { !$0.isEmpty }) else { continue }
      let unit = Self.shownUnit(metric.unit, values.map { MetricSummary($0).median ?? 0 })
      titles.append(Self.title(metric.name, unit.name))
      for (row, own) in values.enumerated() { fields[row].append(Self.spread(own, unit.size)) }
    }
    let marks = lines.contains { Figure.preempted($0.cell) != nil }
    return TableContent(
      caption: "\(card.name): "
        + (constant + ["medians (lowest–highest repetition)"]).joined(separator: ", "),
      titles: titles, rows: fields, leftAligned: Set(0..<settings),
      note: marks
        ? "preempted *N: a measured thread was preempted in N repetitions of the cell; they are kept." : nil)
  }

  /// The unit that a column is shown in, and its size in the column's own: of times and sizes the one in which the
  /// middle of its values is at least 1.
  ///
  /// - Parameter values: of the column.
  private static func shownUnit(_ unit: String, _ values: [Double]) -> (name: String, size: Double) {
    let units: [(name: String, size: Double)]
    switch unit {
    case "ns": units = [("ns", 1), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)]
    case "bytes": units = [("bytes", 1), ("KiB", 0x1p10), ("MiB", 0x1p20), ("GiB", 0x1p30), ("TiB", 0x1p40)]
    case "share": return ("%", 0.01)
    default: return ("", 1)
    }
    let sizes = values.map(abs).filter { $0 > 0 }.sorted()
    let middle = MedianInterval.median(sorted: sizes) ?? 0
    return units.last { $0.size <= middle } ?? units[0]
  }

  /// The title of a column: its name with spaces, and the unit it is shown in.
  private static func title(_ name: String, _ unit: String) -> String {
    var words = name.split(separator: "_").map(String.init)
    words.removeAll { ["ns", "bytes"].contains($0) }
    return (words + (unit.isEmpty ? [] : [unit])).joined(separator: " ")
  }

  private static func shown(_ text: String, _ unit: String) -> String {
    guard let value = Double(text) else { return text }
    switch unit {
    case "bytes": return UInt64(exactly: value.rounded()).map(Figure.bytes) ?? text
    case "ns": return Figure.time(ns: value)
    case "share": return Figure.count(value * 100) + " %"
    default: return Figure.count(value)
    }
  }

  private static func spread(_ values: [Double], _ unit: Double) -> String {
    Figure.spread(MetricSummary(values.map { $0 / unit })).map { $0.median + $0.range } ?? Figure.missing
  }
}
