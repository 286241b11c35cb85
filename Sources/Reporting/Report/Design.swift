/// A strategy with its options and the lowest order it looked at: what a line of a plot stands for.
struct Design: Hashable, Sendable {
  /// The full name, options included.
  var strategy: String
  /// Nil where the run doesn't say.
  var order: Int?

  /// The name without options.
  var base: String { strategy.split(separator: ":").first.map(String.init) ?? strategy }
}

extension Design {
  /// What designs are called beside each other: with those options only in which ones of the same strategy differ, and
  /// with the order where it is all that tells two apart.
  static func labels(_ designs: [Design]) -> [Design: String] {
    let names = StrategyNames.short(designs.map(\.strategy))
    let orders = Dictionary(grouping: Set(designs), by: \.strategy)
    var labels: [Design: String] = [:]
    for (design, name) in zip(designs, names) {
      let isAmbiguous = (orders[design.strategy]?.count ?? 0) > 1
      labels[design] = isAmbiguous ? "\(name), order \(design.order.map(String.init) ?? "?")" : name
    }
    return labels
  }
}
