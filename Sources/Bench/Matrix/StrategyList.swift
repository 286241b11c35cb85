import Hinting
import Records

/// Parses strategies as given on the command line: comma-separated, each as in ``OptionSweep``.
enum StrategyList {
  /// Returns every strategy the texts name, with sweeps expanded, in order and without duplicates. `shared`: values for
  /// every strategy that has an option of that name and whose own text doesn't set it, as `--budget` does.
  static func parse(_ texts: [String], shared: [String: [String]] = [:]) throws(UserError) -> [ConfiguredStrategy] {
    var strategies: [ConfiguredStrategy] = []
    for text in texts.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
      do {
        let sweep = try OptionSweep(String(text), kind: "strategy")
        let entry = try Strategies.entry(named: sweep.name)
        let values = try sweep.combinations(of: entry.card.options, owner: entry.card.owner, shared: [shared]).values
        for strategy in values.map(entry.configured(_:))
        where !strategies.contains(where: { $0.fullName == strategy.fullName }) {
          strategies.append(strategy)
        }
      } catch {
        throw .usage("\(error)")
      }
    }
    for name in shared.keys.sorted()
    where !strategies.contains(where: { $0.card.options.contains { $0.name == name } }) {
      throw .usage("unknown option '\(name)': no chosen strategy has it")
    }
    return strategies
  }
}
