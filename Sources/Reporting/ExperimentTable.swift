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
    let metrics = card.columns.filter {
      !$0.isKey && $0.unit != Self.steps && (allColumns || $0.isPrimary || $0.unit == Self.words)
    }
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
      if metric.unit == Self.words {
        titles.append(Self.title(metric.name, ""))
        for (row, line) in lines.enumerated() {
          fields[row].append(Self.merged(line.rows.compactMap { $0[metric.name] }))
        }
        continue
      }
      let values = lines.map { line in line.rows.compactMap { $0[metric.name] }.compactMap(Double.init) }
      guard values.contains(where: { !$0.isEmpty }) else { continue }
      let unit = Self.shownUnit(metric.unit, values.map { MetricSummary($0).median ?? 0 })
      titles.append(Self.title(metric.name, unit.name))
      for (row, own) in values.enumerated() { fields[row].append(Self.spread(own, unit.size)) }
    }
    let marks = lines.contains { Figure.preempted($0.cell) != nil }
    var notes =
      marks
      ? ["preempted *N: a measured thread was preempted in N repetitions of the cell; they are kept."] : []
    for metric in card.columns where metric.unit == Self.steps {
      notes += Self.told(
        lines.map { Self.distinct($0.rows.compactMap { $0[metric.name] }) }, names: names,
        settings: (0..<settings).filter { titles[$0] != "strategy" }.map { index in
          (titles[index], fields.map { $0[index] })
        })
    }
    return TableContent(
      caption: "\(card.name): "
        + (constant + ["medians (lowest–highest repetition)"]).joined(separator: ", "),
      titles: titles, rows: fields, leftAligned: Set(0..<settings),
      note: notes.isEmpty ? nil : notes.joined(separator: "\n"))
  }

  /// Long texts of rows, to be told below the table: each once for a strategy, after the settings that it is of.
  ///
  /// - Parameters:
  ///   - texts: of each row.
  ///   - names: of each row's strategy.
  ///   - settings: the title of each and its value in each row.
  private static func told(
    _ texts: [[String]], names: [String], settings: [(title: String, values: [String])]
  ) -> [String] {
    var order: [[String]] = []
    var rows: [[String]: [Int]] = [:]
    for (row, own) in texts.enumerated() {
      for text in own {
        let key = [names[row], text]
        if rows[key] == nil { order.append(key) }
        rows[key, default: []].append(row)
      }
    }
    return order.map { key in
      let own = rows[key] ?? []
      let place = settings.map { title, values in
        "\(title) \(distinct(own.map { values[$0] }).joined(separator: "/"))"
      }
      // Numbered steps stand one below the other.
      return "\(([key[0]] + place).joined(separator: ", ")):\n  "
        + key[1].replacing(#/; (?=\d+\. )/#, with: "\n  ")
    }
  }

  /// Texts of repetitions as one: those that differ in numbers alone with the lowest and the highest of each.
  private static func merged(_ texts: [String]) -> String {
    let number = #/\d+(\.\d+)?/#
    var order: [String] = []
    var numbers: [String: [[Double]]] = [:]
    for text in texts {
      let pattern = text.replacing(number, with: "#")
      if numbers[pattern] == nil { order.append(pattern) }
      numbers[pattern, default: []].append(text.matches(of: number).compactMap { Double($0.output.0) })
    }
    return order.map { pattern in
      let all = numbers[pattern] ?? []
      return pattern.split(separator: "#", omittingEmptySubsequences: false).enumerated().map { index, part in
        guard index > 0 else { return String(part) }
        let values = all.compactMap { $0.indices.contains(index - 1) ? $0[index - 1] : nil }
        let (lowest, highest) = (Figure.count(values.min() ?? 0), Figure.count(values.max() ?? 0))
        return (lowest == highest ? lowest : "\(lowest)–\(highest)") + part
      }.joined()
    }.joined(separator: "; ")
  }

  private static func distinct(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }

  /// The unit of columns that are words, and of those that are numbered steps, one behind the other: told below the table.
  private static let words = "text"
  private static let steps = "steps"

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
