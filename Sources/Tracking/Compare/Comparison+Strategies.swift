import Records
import Reporting

extension Comparison {
  /// Compares two strategies of one run, cell by cell, paired by repetition: both ran on the same guests, on the same
  /// machine, by turns. Several runs are launches, paired by launch.
  ///
  /// - Parameters:
  ///   - strategies: names, with as many options as it takes to identify one each.
  ///   - metrics: the metrics that decide, in every cell; empty: each experiment's own, and the holds' 99th percentile.
  /// - Throws: ``UserError`` if a name matches no strategy of the run, or several.
  public init(
    of runs: [TrackedRun], strategies: (base: String, new: String), thresholds: Thresholds, metrics: [String] = []
  ) throws(UserError) {
    let (order, byID) = CellFacts.all(runs)
    let cells = order.compactMap { byID[$0] }
    let base = try Self.cells(cells, of: strategies.base, in: runs)
    let new = try Self.cells(cells, of: strategies.new, in: runs)
    let experiments = Set(base.map(\.experiment))
    try Self.check(metrics, experiments, thresholds.catalogue)

    // Cells that don't differ in any column are paired by the matrix's order.
    func places(_ cells: [CellFacts]) -> [CellFacts.Setting: [CellFacts]] { Dictionary(grouping: cells, by: \.setting) }
    let others = places(new)
    var pairs: [ComparisonBuilder.Pair] = []
    var onlyInBase: [CellFacts] = []
    var onlyInNew = new.filter { places(base)[$0.setting] == nil }
    for (setting, same) in places(base).sorted(by: { ($0.value.first?.place ?? 0) < ($1.value.first?.place ?? 0) }) {
      let found = others[setting] ?? []
      if found.count == same.count {
        pairs += Array(zip(same, found))
      } else {
        onlyInBase += same
        onlyInNew += found
      }
    }
    let names = CellNames(base, withStrategy: false)
    let newNames = CellNames(new, withStrategy: false)
    let builder = ComparisonBuilder(
      base: runs, new: runs, experiments: experiments, sampling: .pairs, thresholds: thresholds,
      level: 1 - thresholds.alpha, asked: metrics)
    self.init(
      baseName: strategies.base, newName: strategies.new, thresholds: thresholds,
      rows: pairs.flatMap { builder.rows(of: $0, name: names[$0.base.cellID], alsoDeciding: ["lock_hold_ns_p99"]) },
      common: [Self.name(runs)] + names.common, onlyInBase: onlyInBase.map { names[$0.cellID] },
      onlyInNew: onlyInNew.map { newNames[$0.cellID] }, warnings: RunDifferences.unfinished(runs), sampling: .pairs)
  }

  private static func cells(
    _ cells: [CellFacts], of word: String, in runs: [TrackedRun]
  ) throws(UserError) -> [CellFacts] {
    let meant = cells.filter { StrategyWord(word).matches($0.strategy) }
    let names = Set(meant.map(\.strategy)).sorted()
    // An exact full name also matches if other strategies have more options.
    if names.contains(word) { return meant.filter { $0.strategy == word } }
    switch names.count {
    case 0:
      let there = Set(cells.map(\.strategy)).sorted().joined(separator: ", ")
      throw UserError(.usage, "unknown strategy '\(word)' in \(name(runs)): expected one of \(there)")
    case 1: return meant
    default:
      throw UserError(
        .usage, "ambiguous strategy '\(word)': expected one of \(names.joined(separator: ", ")), with options")
    }
  }
}

/// A strategy as given by the user: its name and none, some or all of its options.
struct StrategyWord {
  let name: String
  private let options: Set<String>

  init(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    name = parts[0]
    options = Set(parts.dropFirst())
  }

  /// Whether it matches the strategy with this full name.
  func matches(_ fullName: String) -> Bool {
    let full = StrategyWord(fullName)
    return name == full.name && options.isSubset(of: full.options)
  }
}
