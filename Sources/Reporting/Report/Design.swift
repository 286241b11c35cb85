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
  /// Short names that tell variants apart: with only the options in which those of one strategy differ, and with the
  /// order if it is all that tells two apart.
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

/// The mark of each variant of a strategy, the same in every figure of a report.
struct DesignStyles: Sendable {
  private var styles: [Design: MarkStyle] = [:]

  /// A strategy of the list has the same mark in every report. If several variants of one strategy stand in one figure,
  /// the first has it, and each of the others has a mark of its own.
  ///
  /// - Parameters:
  ///   - figures: the variants that may stand beside each other, one set for each experiment, in order.
  ///   - known: the strategies there are, in order.
  init(_ figures: [[Design]], known: [String]) {
    var extra = known.count
    var baseHolders: [String: [Design]] = [:]
    for design in figures.joined() where styles[design] == nil {
      let holders = baseHolders[design.base] ?? []
      let isFree = !figures.contains { figure in figure.contains(design) && figure.contains { holders.contains($0) } }
      if isFree, let number = known.firstIndex(of: design.base) {
        // The control comes first in the list, and is no strategy.
        styles[design] = number == 0 ? .none : MarkStyle(number: number - 1)
        baseHolders[design.base] = holders + [design]
      } else {
        styles[design] = MarkStyle(number: extra - 1)
        extra += 1
      }
    }
  }

  subscript(_ design: Design) -> MarkStyle { styles[design] ?? .none }
}
