import Records
import Reporting

extension Comparison {
  /// Compares two strategies, cell by cell. In one run they are paired by repetition: both ran on the same guests, on the
  /// same machine, by turns; several runs are launches, paired by launch. In different runs nothing pairs them.
  ///
  /// - Parameters:
  ///   - runs: the runs with the base strategy.
  ///   - others: the runs with the new strategy; nil: the same.
  ///   - strategies: names, with as many options as it takes to identify one each.
  ///   - metrics: the metrics that decide, in every cell; empty: each experiment's own, and the longest hold.
  /// - Throws: ``UserError`` if a name matches no strategy of its runs, or several.
  public init(
    of runs: [TrackedRun], and others: [TrackedRun]? = nil, strategies: (base: String, new: String),
    thresholds: Thresholds, metrics: [String] = []
  ) throws(UserError) {
    let base = try Self.cells(of: strategies.base, in: runs)
    let new = try Self.cells(of: strategies.new, in: others ?? runs)
    let experiments = Set(base.map(\.experiment))
    try Self.check(metrics, experiments, thresholds.catalogue)

    // Cells that don't differ in any column are paired by the matrix's order.
    func places(_ cells: [CellFacts]) -> [CellFacts.Setting: [CellFacts]] { Dictionary(grouping: cells, by: \.setting) }
    let candidates = places(new)
    var pairs: [ComparisonBuilder.Pair] = []
    var onlyInBase: [CellFacts] = []
    var onlyInNew = new.filter { places(base)[$0.setting] == nil }
    for (setting, same) in places(base).sorted(by: { ($0.value.first?.place ?? 0) < ($1.value.first?.place ?? 0) }) {
      let found = candidates[setting] ?? []
      if found.count == same.count {
        pairs += Array(zip(same, found))
      } else {
        onlyInBase += same
        onlyInNew += found
      }
    }
    let names = CellNames(base, withStrategy: false)
    let newNames = CellNames(new, withStrategy: false)
    let sampling = others.map { Sampling(base: runs.count, new: $0.count) } ?? .pairs
    let builder = ComparisonBuilder(
      base: runs, new: others ?? runs, experiments: experiments, sampling: sampling, thresholds: thresholds,
      level: 1 - thresholds.alpha, asked: metrics)
    let place = others.map { "\(Self.name(runs)) against \(Self.name($0))" } ?? Self.name(runs)
    let differences = others.map { RunDifferences.lines(runs, $0) } ?? RunDifferences.unfinished(runs)
    let goals = Self.goals(base.first?.strategy, new.first?.strategy, thresholds.catalogue)
    self.init(
      baseName: strategies.base, newName: strategies.new, thresholds: thresholds,
      rows: pairs.flatMap {
        builder.rows(of: $0, name: names[$0.base.cellID], alsoDeciding: [TrackedMetric.longestHold])
      },
      common: [place] + names.common, onlyInBase: onlyInBase.map { names[$0.cellID] },
      onlyInNew: onlyInNew.map { newNames[$0.cellID] }, warnings: goals + differences, sampling: sampling)
  }

  /// That strategies which serve different goals don't replace each other; empty if they serve the same.
  private static func goals(_ base: String?, _ new: String?, _ catalogue: Catalogue) -> [String] {
    guard let base, let new, let baseCard = catalogue.strategy(base), let newCard = catalogue.strategy(new) else {
      return []
    }
    let goals = (catalogue.goal(of: base), catalogue.goal(of: new))
    guard goals.0 != goals.1, goals.0 != .none, goals.1 != .none else { return [] }
    return [
      "\(baseCard.name) serves \(goals.0.meaning), \(newCard.name) \(goals.1.meaning): they don't replace each other"
    ]
  }

  private static func cells(of word: String, in runs: [TrackedRun]) throws(UserError) -> [CellFacts] {
    let (order, byID) = CellFacts.all(runs)
    return try cells(order.compactMap { byID[$0] }, of: word, in: runs)
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
