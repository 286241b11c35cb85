import Records

/// Which setting of reporting a load wants, of a run of `steady-state` by the virtual clock: the one with the least
/// memory populated by the host among those that cost the users no more than allowed.
public struct ReportingAdvice: Sendable {
  /// The settings measured under the same conditions.
  struct Group: Sendable {
    let title: String
    /// Ascending by what the host has populated.
    let points: [ReportingPoint]
    /// The names of those on the front.
    let front: Set<String>
    /// The advised one; nil if none is cheap enough.
    let choice: ReportingPoint?
  }

  let groups: [Group]
  private let mostCost: Double

  /// Looks at a run.
  ///
  /// - Parameter mostCost: the share of the users' busy time that they may lose, 0 to 1.
  /// - Throws: ``UserError`` of kind input if the run has no cell to judge.
  public init(_ run: RunReader, mostCost: Double) throws(UserError) {
    guard let costs = RefaultCosts(run.meta) else {
      throw .input(
        file: run.path + "/meta.json", "the run has no cost of a first touch",
        accepted: "a run of steady-state:clock=virtual by this version")
    }
    let rows = Dictionary(grouping: try run.rows(ofExperiment: "steady-state")) { $0["cell_id"] ?? "" }
    let broken = Set(run.runs.filter { $0.found.outcome == .error }.map(\.identity.cellID))
    var order: [String] = []
    var byTitle: [String: [ReportingPoint]] = [:]
    for (cellID, runs) in Self.inOrder(run.runs) where !broken.contains(cellID) {
      guard let point = ReportingPoint(strategy: runs.identity.strategy, rows[cellID] ?? [], costs) else { continue }
      let title = Self.title(runs)
      if byTitle[title] == nil { order.append(title) }
      byTitle[title, default: []].append(point)
    }
    guard !order.isEmpty else {
      throw .input(
        file: run.path, "the run has no cell of steady-state by the virtual clock with a load",
        accepted: "a run of `hintbench advise`, or of steady-state:clock=virtual by this version")
    }
    self.mostCost = mostCost
    groups = order.map { title in
      let points = (byTitle[title] ?? []).sorted { ($0.hostBytes, $0.strategy) < ($1.hostBytes, $1.strategy) }
      return Group(
        title: title, points: points, front: Set(ParetoFront.of(points, \.hostBytes, \.costShare).map(\.strategy)),
        choice: Self.choice(points, mostCost))
    }
  }

  /// The number of loads, or of conditions of one load.
  public var count: Int { groups.count }
  /// How many of them no setting is cheap enough for.
  public var unmet: Int { groups.count { $0.choice == nil } }
  /// Whether there is a setting for each.
  public var isMet: Bool { unmet == 0 }

  /// The cheapest for the users among those with the least memory.
  static func choice(_ points: [ReportingPoint], _ mostCost: Double) -> ReportingPoint? {
    points.filter { $0.costShare <= mostCost }.min { ($0.hostBytes, $0.costShare) < ($1.hostBytes, $1.costShare) }
  }

  /// The first repetition of each cell.
  private static func inOrder(_ runs: [RunRecord]) -> [(String, RunRecord)] {
    var seen: Set<String> = []
    return runs.filter { seen.insert($0.identity.cellID).inserted && $0.identity.experiment == "steady-state" }
      .map { ($0.identity.cellID, $0) }.sorted { $0.1.identity.strategy < $1.1.identity.strategy }
  }

  private static func title(_ run: RunRecord) -> String {
    let options = run.identity.experimentOptions.split(separator: ":").map(String.init)
    return
      ([
        Figure.bytes(run.guest.bytes), run.guest.state, run.guest.kernelRules.map { "Linux \($0)" } ?? "",
      ] + options).filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// The tables and the advice, for a terminal.
  public var text: String { groups.map(text).joined(separator: "\n\n") }

  private func text(_ group: Group) -> String {
    let names = StrategyNames.short(group.points.map(\.strategy))
    let rows = zip(names, group.points).map { name, point in
      [
        (point.strategy == group.choice?.strategy ? "> " : group.front.contains(point.strategy) ? "* " : "  ") + name,
        Figure.number(point.hostBytes / 0x1p30), Figure.number(point.gibMinutes),
        Figure.number(point.costShare * 100), point.p99Ns.map { Figure.number($0 / 1e3) } ?? Figure.missing,
      ] + point.reachedNs.map { $0.map { Figure.number($0 / 1e9) } ?? Figure.missing }
        + [Figure.count(point.reports), Figure.count(point.splits)]
    }
    let used = group.points.map(\.usedBytes)
    let table = TableText.render(
      titles: [
        "  strategy", "host GiB", "GiB min", "cost %", "p99 µs", "50 % s", "90 % s", "99 % s", "reports", "splits",
      ], rows: rows, leftAligned: [0])
    return """
      \(group.title)
      used \(Figure.number((used.min() ?? 0) / 0x1p30)) to \(Figure.number((used.max() ?? 0) / 0x1p30)) GiB on average

      \(table)

      \(advice(group))
      """
  }

  private func advice(_ group: Group) -> String {
    let limit = "\(Figure.count(mostCost * 100)) %"
    guard let choice = group.choice else {
      let least = group.points.map(\.costShare).min() ?? 0
      return "Advice: no setting costs the users at most \(limit); the least is \(Figure.number(least * 100)) %."
    }
    return """
      Advice: \(choice.strategy)
      has the least memory with the host, \(Figure.number(choice.hostBytes / 0x1p30)) GiB on average, of those that cost \
      the users at most \(limit); it costs \(Figure.number(choice.costShare * 100)) %.
      """
  }
}
