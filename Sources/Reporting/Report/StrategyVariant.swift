/// A strategy with its options and lowest order: one line of a plot.
struct StrategyVariant: Hashable, Sendable {
  /// The full name, options included.
  var strategy: String
  /// The lowest order; nil if the run doesn't have it.
  var order: Int?

  /// The name without options.
  var base: String { strategy.split(separator: ":").first.map(String.init) ?? strategy }
}

extension StrategyVariant {
  /// Returns short, distinct names: with only the options in which variants of one strategy differ, and with the order
  /// if two differ in nothing else.
  static func labels(_ variants: [StrategyVariant]) -> [StrategyVariant: String] {
    let names = StrategyNames.short(variants.map(\.strategy))
    let orders = Dictionary(grouping: Set(variants), by: \.strategy)
    var labels: [StrategyVariant: String] = [:]
    for (variant, name) in zip(variants, names) {
      let isAmbiguous = (orders[variant.strategy]?.count ?? 0) > 1
      labels[variant] = isAmbiguous ? "\(name), order \(variant.order.map(String.init) ?? "?")" : name
    }
    return labels
  }
}

/// The mark style of each variant of a strategy, the same in every figure of a report.
struct VariantStyles: Sendable {
  private var styles: [StrategyVariant: MarkStyle] = [:]

  /// Assigns styles. Each known strategy has the same style in every report. If a figure shows several variants of one
  /// strategy, the first gets this style, and each of the others gets its own.
  ///
  /// - Parameters:
  ///   - figures: the variants that may share a figure, one set for each experiment, in order.
  ///   - known: the names of the known strategies, in order.
  init(_ figures: [[StrategyVariant]], known: [String]) {
    var extra = known.count
    var baseHolders: [String: [StrategyVariant]] = [:]
    for variant in figures.joined() where styles[variant] == nil {
      let holders = baseHolders[variant.base] ?? []
      let isFree = !figures.contains { figure in figure.contains(variant) && figure.contains { holders.contains($0) } }
      if isFree, let number = known.firstIndex(of: variant.base) {
        // The control and the allocator come first in the list.
        styles[variant] = number == 0 ? .none : number == 1 ? .allocator : MarkStyle(number: number - 2)
        baseHolders[variant.base] = holders + [variant]
      } else {
        styles[variant] = MarkStyle(number: extra - 2)
        extra += 1
      }
    }
  }

  subscript(_ variant: StrategyVariant) -> MarkStyle { styles[variant] ?? .none }
}
