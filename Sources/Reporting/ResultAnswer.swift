import Records

/// What a table's rows say, in two lines: which strategy is ahead in holds, cost and coverage, and what the data doesn't
/// show.
///
/// A strategy is ahead only of those whose interval of the median lies apart from its own, and only with enough
/// repetitions. What reports nothing, the control and the allocator itself, is left out. Holds and cost are compared
/// among those that cover nearly as much as the widest: reporting less is cheaper, but not better.
struct ResultAnswer {
  private let cells: [CellRecord]
  private let names: [String]
  /// With 5 repetitions of each, two strategies that are the same lie apart in 1 of 126 comparisons; with 3 in 1 of 10.
  private static let fewestRepetitions = 5
  /// The share of the widest coverage from which holds and cost are compared.
  private static let comparableCoverage = 0.9

  /// - Parameters:
  ///   - cells: the rows of one table.
  ///   - names: their names in it.
  init(_ cells: [CellRecord], names: [String]) {
    func coverage(_ cell: CellRecord) -> Double { cell[metric: "coverage_free"].median ?? 0 }
    let reporting = cells.indices.filter { coverage(cells[$0]) > 0 }
    self.cells = reporting.map { cells[$0] }
    self.names = reporting.map { names[$0] }
  }

  /// The lines; none if there is nothing to compare, as with fewer than two strategies.
  var lines: [String] {
    guard cells.count > 1, !cells.contains(where: \.oversubscribed) else { return [] }
    let all = Array(cells.indices)
    guard let coverage = leaders(of: all, higherIsBetter: true, { $0[metric: "coverage_free"] }) else { return [] }
    let wide = all.filter {
      (cells[$0][metric: "coverage_free"].median ?? 0) >= Self.comparableCoverage * coverage.value
    }
    let holds = leaders(of: wide) { $0.longestHold }
    let cost = leaders(of: wide) { $0[metric: "guest_cpu_ns"] }
    let narrow = all.count - wide.count
    let ahead = [
      "widest coverage: \(text(coverage)) at \(Figure.number(coverage.value * 100)) % of free memory"
        + (narrow > 0 ? " (\(narrow) with less than nine tenths of it not compared)" : ""),
      holds.map { "shortest holds: \(text($0)) at \(Figure.time(ns: rounded($0.value)))" },
      cost.map { "cheapest: \(text($0)) at \(Figure.time(ns: rounded($0.value))) of CPU time" },
    ].compactMap { $0 }
    let fewest = cells.map(\.repetitions).min() ?? 0
    guard fewest >= Self.fewestRepetitions else {
      return [
        "Medians: \(ahead.joined(separator: "; ")).",
        "Not shown: any difference; that takes at least \(Self.fewestRepetitions) repetitions, and there are \(fewest).",
      ]
    }
    let undecided = cells.indices.filter { cells[$0].holdLimitVerdict == .notEnoughData }.map { names[$0] }
    let unsafe = [
      holds.flatMap { unseparated($0, "shorter holds") }, cost.flatMap { unseparated($0, "lower cost") },
      undecided.isEmpty ? nil : "whether \(list(undecided)) \(undecided.count == 1 ? "is" : "are") within the limit",
    ].compactMap { $0 }
    let first = ahead.joined(separator: "; ")
    return ["Answer: \(first)."] + (unsafe.isEmpty ? [] : ["Not shown: \(unsafe.joined(separator: "; "))."])
  }

  /// The strategies with the best median, and those that the data doesn't tell from the first of them.
  private struct Leaders {
    var value: Double
    var first: [Int]
    var close: [Int]
  }

  private func leaders(
    of candidates: [Int], higherIsBetter: Bool = false, _ summary: (CellRecord) -> MetricSummary
  ) -> Leaders? {
    let sign = higherIsBetter ? -1.0 : 1
    let summaries = cells.map(summary)
    let measured = candidates.filter { summaries[$0].median != nil }
    let medians = measured.map { sign * (summaries[$0].median ?? 0) }
    guard measured.count > 1, let best = medians.min() else { return nil }
    let first = measured.filter { sign * (summaries[$0].median ?? 0) == best }
    let ends = first.map { max(sign * (summaries[$0].intervalLow ?? 0), sign * (summaries[$0].intervalHigh ?? 0)) }
    let end = ends.max() ?? best
    let close = measured.filter { index in
      !first.contains(index)
        && min(sign * (summaries[index].intervalLow ?? 0), sign * (summaries[index].intervalHigh ?? 0)) <= end
    }
    return Leaders(value: sign * best, first: first, close: close)
  }

  private func rounded(_ value: Double) -> Double {
    guard let number = Double(Figure.number(value)) else { return value }
    return number
  }

  private func text(_ leaders: Leaders) -> String { list(leaders.first.map { names[$0] }) }

  /// That the leader is ahead of some, if it isn't ahead of all.
  private func unseparated(_ leaders: Leaders, _ what: String) -> String? {
    guard !leaders.close.isEmpty else { return nil }
    return "\(what) of \(text(leaders)) than of \(list(leaders.close.map { names[$0] }))"
  }

  /// A list that names at most three.
  private func list(_ names: [String]) -> String {
    let shown = names.prefix(3).joined(separator: ", ")
    return names.count > 3 ? "\(shown) and \(names.count - 3) more" : shown
  }
}
