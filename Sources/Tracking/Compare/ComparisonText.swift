import Foundation
import Records
import Reporting

/// The texts that a comparison's table and its Markdown share.
struct ComparisonText {
  let comparison: Comparison

  /// The titles of the columns, and which of them are text.
  let titles: [String]
  let rows: [[String]]
  /// The common metric of all rows.
  private let metric: String?
  static let textColumns: Set = ["cell", "metric", "verdict"]

  /// `all`: includes the rows that decide nothing.
  init(_ comparison: Comparison, all: Bool) {
    self.comparison = comparison
    let shown = comparison.rows.filter { all || $0.isAsked || Self.beside($0, comparison) }
    // Anything common to every row is stated once, above.
    let metrics = Set(shown.map(\.metric.name))
    metric = metrics.count == 1 ? metrics.first : nil
    titles = ["cell"] + (metric == nil ? ["metric"] : []) + ["base", "new", "change", "interval", "p", "verdict"]
    let hasMetric = metric == nil
    rows = shown.map { row in
      [row.name] + (hasMetric ? [row.metric.name] : []) + [
        Self.side(row.base, row), Self.side(row.new, row), Self.change(row), Self.interval(row), Self.p(row),
        Self.verdict(row),
      ]
    }
  }

  /// The summary, in one line.
  var summary: String {
    let counts = Verdict.allCases.compactMap { verdict -> String? in
      let count = comparison.count(verdict)
      return count == 0 ? nil : "\(count) \(verdict.rawValue)"
    }
    let deciding = comparison.rows.count(where: \.decides)
    let parts = [
      counts.isEmpty ? "no cell decides" : "\(counts.joined(separator: ", ")) of \(deciding)",
      count(comparison.onlyInBase.count, "cell", "only in base"),
      count(comparison.onlyInNew.count, "cell", "only in new"),
      count(comparison.rows.count(where: \.isMismatch), "row", "not comparable"),
    ]
    return parts.compactMap { $0 }.joined(separator: "; ")
  }

  /// What is compared, for above the table.
  var heading: String {
    let common = comparison.common + (metric.map { [$0] } ?? [])
    return "base \(comparison.baseName), new \(comparison.newName)"
      + (common.isEmpty ? "" : ": " + common.joined(separator: ", "))
  }

  /// What speed and holds say together, for the cells in which both decide: "faster, holds longer".
  private var answers: [String] {
    let cells = Dictionary(grouping: comparison.rows.filter(\.decides), by: \.cellID)
    var order: [String] = []
    var names: [String: [String]] = [:]
    var seen: Set<String> = []
    for row in comparison.rows where seen.insert(row.cellID).inserted {
      let rows = cells[row.cellID] ?? []
      guard let speed = rows.first(where: { Self.costs.contains($0.metric.name) })?.verdict,
        let hold = rows.first(where: { $0.metric.name == TrackedMetric.longestHold })?.verdict
      else { continue }
      let answer =
        Self.word(speed, ["faster", "slower", "as fast", "speed not decided"]) + ", "
        + Self.word(hold, ["holds shorter", "holds longer", "holds as long", "holds not decided"])
      if names[answer] == nil { order.append(answer) }
      names[answer, default: []].append(row.cell)
    }
    return order.map { answer in
      let cells = names[answer] ?? []
      return "\(comparison.newName) against \(comparison.baseName): \(answer)"
        + (seen.count == 1 ? "." : " in \(cells.count) of \(seen.count) cells (\(cells.joined(separator: "; "))).")
    }
  }

  private static let costs: Set = ["guest_cpu_ns", "instructions"]

  /// The word for better, worse, same or not enough data.
  private static func word(_ verdict: Verdict, _ words: [String]) -> String {
    switch verdict {
    case .better: words[0]
    case .worse: words[1]
    case .same: words[2]
    case .notEnoughData: words[3]
    }
  }

  /// The notes below the table, one paragraph each.
  var notes: [String] {
    var notes = answers + comparison.warnings.map { "Note: \($0)." }
    for (names, place) in [(comparison.onlyInBase, "base"), (comparison.onlyInNew, "new")] where !names.isEmpty {
      notes.append("Only in \(place): \(names.joined(separator: "; ")).")
    }
    var kinds: [VerdictReason] = []
    for case let kind? in comparison.rows.map(\.reason?.kind) where !kinds.contains(kind) { kinds.append(kind) }
    for kind in kinds {
      let reasons = comparison.rows.compactMap(\.reason).filter { $0.kind == kind }
      guard let reason = reasons.max(by: { $0.samplesNeeded < $1.samplesNeeded }) else { continue }
      notes.append("\(reason.short) (\(reasons.count) row\(reasons.count == 1 ? "" : "s")): \(reason.sentence).")
    }
    notes.append(rule)
    return notes
  }

  /// The rule of the verdicts.
  private var rule: String {
    let thresholds = comparison.thresholds
    let rows = comparison.rows.filter(\.decides)
    var sentences: [String] = []
    let tested = rows.filter { !$0.isExact }
    if !tested.isEmpty {
      let sides = Set(tested.map { comparison.sampling.words($0.base?.count ?? 0, $0.new?.count ?? 0) }).sorted()
      sentences.append(
        """
        Samples: \(sides.joined(separator: ", ")). Worse or better: p (Holm-corrected over \(comparison.family)) is at \
        most \(Self.plain(thresholds.alpha)) and the change is at least \(effects(tested)). Same: neither, and the \
        \(Self.plain(thresholds.sameLevel)) interval lies within that (the one shown is of \
        \(Self.plain(comparison.level)), uncorrected). Between the two: not enough data.
        """)
    }
    if !tested.isEmpty && comparison.sampling == .repetitions {
      sentences.append(
        """
        One run per side: differences between launches (memory layout, other load on the machine) look like code \
        changes. To judge code, compare several launches by turns (`run --against`).
        """)
    }
    let exact = rows.filter(\.isExact)
    if !exact.isEmpty {
      sentences.append("Exact figures need no test: worse or better means a change of at least \(effects(exact)).")
    }
    return sentences.joined(separator: " ")
  }

  private func effects(_ rows: [ComparisonRow]) -> String {
    let byEffect = Dictionary(grouping: rows, by: \.minimumEffect)
    return byEffect.keys.sorted().map { effect in
      let names = Set((byEffect[effect] ?? []).map(\.metric.name)).sorted()
      return Self.plain(effect) + (byEffect.count > 1 ? " (\(names.joined(separator: ", ")))" : "")
    }.joined(separator: ", ")
  }

  private func count(_ count: Int, _ word: String, _ what: String) -> String? {
    count == 0 ? nil : "\(count) \(word)\(count == 1 ? "" : "s") \(what)"
  }

  /// Whether a row is shown beside the decisive one: if strategies are compared, hold and coverage are.
  private static func beside(_ row: ComparisonRow, _ comparison: Comparison) -> Bool {
    comparison.sampling == .pairs
      && ["lock_arrival_wait_ns", "ms_per_tib", "coverage_free"].contains(row.metric.name)
  }

  // MARK: Fields

  /// A row's complete result in one line.
  static func result(_ row: ComparisonRow) -> String {
    let fields = [
      ("base", side(row.base, row)), ("new", side(row.new, row)), ("change", change(row)),
      ("interval", interval(row)), ("p", p(row)),
    ].filter { $0.1 != Figure.missing }.map { "\($0.0) \($0.1)" }
    return ([verdict(row)] + fields).joined(separator: ", ")
  }

  private static func side(_ side: ComparisonRow.Side?, _ row: ComparisonRow) -> String {
    guard let side else { return Figure.missing }
    let (unit, name) = scale(row)
    let summary = MetricSummary([side.median, side.lowest, side.highest])
    guard let (median, range) = Figure.spread(summary, per: unit) else { return Figure.missing }
    return [median + range, name].filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// The common unit of both sides: the larger median is at least 1 in it.
  private static func scale(_ row: ComparisonRow) -> (per: Double, name: String) {
    scale(row.metric.unit, most: max(abs(row.base?.median ?? 0), abs(row.new?.median ?? 0)))
  }

  /// The divisor and the resulting unit for figures of a unit of which `most` is the largest.
  static func scale(_ unit: String, most: Double) -> (per: Double, name: String) {
    switch unit {
    case "ns":
      let units = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)]
      let (name, per) = units.last { most >= $0.1 } ?? units[0]
      return (per, name)
    case "share": return (0.01, "%")
    case "" where most >= 1e6: return (1e6, "M")
    case "ratio": return (1, "")
    default: return (1, unit)
    }
  }

  private static func change(_ row: ComparisonRow) -> String {
    guard let change = row.change else { return Figure.missing }
    return row.isRelative ? signed(change) : absolute(change, row) + " (from 0)"
  }

  private static func interval(_ row: ComparisonRow) -> String {
    guard let interval = row.interval else { return Figure.missing }
    let ends = [interval.lowerBound, interval.upperBound]
    return row.isRelative
      ? ends.map { sign($0) + digits(abs($0)) }.joined(separator: " to ") + " %"
      : ends.map { absolute($0, row) }.joined(separator: " to ")
  }

  private static func p(_ row: ComparisonRow) -> String {
    guard let p = row.correctedP ?? row.p else { return Figure.missing }
    return probability(p) + (row.correctedP == nil ? " raw" : "")
  }

  static func probability(_ p: Double) -> String { p < 0.0001 ? "<0.0001" : Figure.number(p) }

  private static func verdict(_ row: ComparisonRow) -> String {
    [row.verdict?.rawValue, row.reason.map { "(\($0.short))" }].compactMap { $0 }.joined(separator: " ")
  }

  /// A signed change: +1.2 %
  static func signed(_ share: Double) -> String { sign(share) + percent(abs(share)) }

  private static func percent(_ share: Double) -> String { digits(share) + " %" }

  /// A share in percent: one decimal, two below 1.
  private static func digits(_ share: Double) -> String {
    let percent = share * 100
    return percent < least ? "0" : Figure.number(percent, decimals: percent < 0.995 ? 2 : percent < 99.95 ? 1 : 0)
  }

  /// A configured share in percent: 5 %, 0.5 %.
  static func plain(_ share: Double) -> String {
    "\(((share * 1e8).rounded() / 1e6).decimalText ?? Figure.missing) %"
  }

  private static func absolute(_ value: Double, _ row: ComparisonRow) -> String {
    let (unit, name) = scale(row)
    return [(value > 0 ? "+" : "") + Figure.number(value / unit), name].filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// Changes below this are shown as none. Percent.
  private static let least = 0.005

  private static func sign(_ value: Double) -> String {
    abs(value) * 100 < least ? "" : value < 0 ? "-" : "+"
  }
}
