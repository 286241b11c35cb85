import Foundation
import Reporting

/// A check as text for a terminal.
public struct HistoryCheckText: Sendable {
  private let check: HistoryCheck

  public init(_ check: HistoryCheck) { self.check = check }

  public var text: String {
    ([heading, table].compactMap { $0 } + notes + [summary]).joined(separator: "\n\n")
  }

  private var heading: String {
    let run = check.run
    let commit = run.commit == nil ? "" : ", \(HistoryListing.commit(run))"
    let against =
      check.earlier.isEmpty
      ? "no earlier run of this machine has any of its cells"
      : "compared with up to \(check.window) earlier runs of this machine, since \(check.earlier.last?.started ?? "")"
    let common = check.common.isEmpty ? "" : "\nall: " + check.common.joined(separator: ", ")
    return "\(run.name), \(run.started)\(commit), \(run.host)\(run.finished == nil ? ", unfinished" : ""): \(against)"
      + common
  }

  private var table: String? {
    guard !check.rows.isEmpty else { return nil }
    let text = TableText.render(
      titles: ["cell", "metric", "earlier", "runs", "newest", "change", "to last", "p", "sees", "verdict"],
      rows: check.rows.map { row in
        let unit = Self.unit(row)
        return [
          row.cell, row.metric + (row.isExact ? " (exact)" : ""), Self.earlier(row, unit), String(row.earlier.count),
          row.newest.map { Self.figure($0, unit) } ?? Figure.missing, Self.change(row.change),
          Self.change(row.changeToLast), Self.p(row), row.leastFound.map { Self.change($0) } ?? Figure.missing,
          row.verdict.rawValue,
        ]
      }, leftAligned: [0, 1, 9])
    return text.withoutLastLineFeed
  }

  private var notes: [String] {
    var notes = [check.difference, check.failures].compactMap { $0 }.map { "Note: \($0)." }
    if !check.lost.isEmpty { notes.append("Missing, but in the previous run: \(check.lost.joined(separator: "; ")).") }
    var reasons: [String] = []
    for row in check.rows { if let reason = row.reason, !reasons.contains(reason) { reasons.append(reason) } }
    for reason in reasons {
      notes.append(
        "Not enough data, \(reason): \(check.rows.filter { $0.reason == reason }.map(\.cell).joined(separator: "; ")).")
    }
    if !rule.isEmpty { notes.append(rule) }
    return notes.map { TableText.wrap($0, width: 120).joined(separator: "\n") }
  }

  /// The rule of the verdicts.
  private var rule: String {
    let measured = check.rows.filter { !$0.isExact }
    let exact = check.rows.filter(\.isExact)
    var sentences: [String] = []
    if !measured.isEmpty {
      sentences.append(
        """
        Worse or better: p (Holm-corrected over \(check.rows.count { $0.p != nil })) is at most \
        \(Figure.number(check.thresholds.alpha)) and the change is at least \(Self.effects(measured)). p: Student's \
        prediction for the next value, assuming that medians are independent draws from one log-normal distribution. \
        sees: smallest detectable change.
        """)
    }
    if !exact.isEmpty {
      sentences.append(
        """
        Exact figures need no test: a difference of at least \(Self.effects(exact)) from the last run or from the \
        median counts.
        """)
    }
    return sentences.joined(separator: " ")
  }

  private static func effects(_ rows: [HistoryCheckRow]) -> String {
    Set(rows.map(\.minimumEffect)).sorted().map { "\(Figure.count($0 * 100)) %" }.joined(separator: " or ")
  }

  private var summary: String {
    let counts = Verdict.allCases.compactMap { verdict in
      let count = check.count(verdict)
      return count == 0 ? nil : "\(count) \(verdict.rawValue)"
    }
    let gone = check.lost.isEmpty ? "" : "; \(check.lost.count) missing"
    return (counts.isEmpty ? "nothing to check" : counts.joined(separator: ", ") + " of \(check.rows.count)") + gone
  }

  // MARK: Fields

  /// The divisor of the row's figures and the resulting unit.
  private static func unit(_ row: HistoryCheckRow) -> (per: Double, name: String) {
    ComparisonText.scale(row.unit, most: max(abs(row.summary.median ?? 0), abs(row.newest ?? 0)))
  }

  private static func figure(_ value: Double, _ unit: (per: Double, name: String)) -> String {
    [unit.per == 1 ? Figure.count(value) : Figure.number(value / unit.per), unit.name].filter { !$0.isEmpty }
      .joined(separator: " ")
  }

  private static func earlier(_ row: HistoryCheckRow, _ unit: (per: Double, name: String)) -> String {
    guard let (median, range) = Figure.spread(row.summary, per: unit.per) else { return Figure.missing }
    return [median + range, unit.name].filter { !$0.isEmpty }.joined(separator: " ")
  }

  private static func change(_ share: Double?) -> String {
    guard let share else { return Figure.missing }
    guard share.isFinite else { return "from 0" }
    let percent = abs(share) * 100
    let text = percent == 0 ? "0" : Figure.number(percent, decimals: percent < 9.95 ? 1 : 0)
    return (share < 0 ? "-" : share > 0 ? "+" : "") + text + " %"
  }

  private static func p(_ row: HistoryCheckRow) -> String {
    row.correctedP.map(ComparisonText.probability) ?? Figure.missing
  }
}
