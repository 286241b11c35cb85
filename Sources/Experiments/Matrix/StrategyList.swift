import Hinting

/// Strategies as they are written on the command line: `NAME[:OPTION=VALUE[/VALUE...]]...`, lists comma-separated.
enum StrategyList {
  /// Every strategy the texts name, sweeps multiplied out, in order and each once. `shared`: values for every strategy
  /// that has an option of that name and whose own text doesn't set it, as `--budget` gives them.
  static func parse(_ texts: [String], shared: [String: [String]] = [:]) throws(MatrixError) -> [ConfiguredStrategy] {
    var strategies: [ConfiguredStrategy] = []
    for text in texts.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
      do {
        for strategy in try parse(one: String(text), shared)
        where !strategies.contains(where: { $0.fullName == strategy.fullName }) {
          strategies.append(strategy)
        }
      } catch {
        throw .usage("\(error)")
      }
    }
    for name in shared.keys.sorted()
    where !strategies.contains(where: { $0.card.options.contains { $0.name == name } }) {
      throw .usage("no strategy of this run has an option '\(name)'")
    }
    return strategies
  }

  private static func parse(one text: String, _ shared: [String: [String]]) throws(StrategyError)
    -> [ConfiguredStrategy]
  {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    let entry = try Strategies.entry(named: parts[0])
    var sweeps: [(name: String, values: [String])] = []
    for part in parts.dropFirst() {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
        throw .malformedOption(strategy: entry.card.name, text: part)
      }
      guard !sweeps.contains(where: { $0.name == sides[0] }) else {
        throw .repeatedOption(strategy: entry.card.name, option: sides[0])
      }
      sweeps.append(
        (sides[0], sides[1].split(separator: "/", omittingEmptySubsequences: false).map(String.init)))
    }
    for option in entry.card.options where !sweeps.contains(where: { $0.name == option.name }) {
      if let values = shared[option.name] { sweeps.append((option.name, values)) }
    }
    var combinations: [[String: String]] = [[:]]
    for sweep in sweeps {
      combinations = combinations.flatMap { given in
        sweep.values.map { given.merging([sweep.name: $0]) { $1 } }
      }
    }
    var strategies: [ConfiguredStrategy] = []
    for given in combinations { strategies.append(try entry.configured(given)) }
    return strategies
  }
}
