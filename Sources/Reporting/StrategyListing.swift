import Records

/// The text of `hintbench list strategies`: what each strategy is, what it may be used for, and its options.
public enum StrategyListing {
  /// Strategies of a catalogue, one row each.
  static func strategies(_ cards: [StrategyCard], _ catalogue: Catalogue) -> TextListing {
    TextListing(
      titles: ["strategy", "from", "serves", "orders", "one hold looks at", "side effects", "limits"],
      rows: cards.map { card in
        [
          card.name, card.origin, catalogue.goals(of: card).text, card.orders == .any ? "any" : "highest",
          card.holdBound,
          card.sideEffects,
          card.limits,
        ]
      })
  }

  /// The legend of the column `serves`.
  static let goals = """
    serves: migration = safe under a dirty log alone; reclaim = safe also if the host discards what it is told about. \
    Derived, not declared: on a small guest no schedule of users, memory reclaim and host that departs from the plain \
    course in up to \(StrategyGoal.stepsSearched) places loses a page (experiment discard).
    """

  public static func text(_ catalogue: Catalogue) -> String {
    let options = OptionListing(catalogue.strategies.map { ($0.name, $0.options) }, of: "strategy")
    return """
      \(strategies(catalogue.strategies, catalogue).text)

      \(goals)

      \(options.text)
      """
  }
}
