import Records

/// The text of `hintbench list strategies`: what each strategy is, what it may be used for, and its options.
public enum StrategyListing {
  /// The strategies, one row each.
  static func strategies(_ cards: [StrategyCard]) -> TextListing {
    TextListing(
      titles: ["strategy", "from", "serves", "orders", "one hold looks at", "side effects", "limits"],
      rows: cards.map { card in
        [
          card.name, card.origin, card.goal.rawValue, card.orders == .any ? "any" : "highest", card.holdBound,
          card.sideEffects,
          card.limits,
        ]
      })
  }

  /// The legend of the column `serves`.
  static let goals = """
    serves: migration = addresses that may already be stale, safe only under a dirty log; reclaim = blocks the guest \
    holds while the host acts, so the host may also discard them.
    """

  public static func text(_ cards: [StrategyCard]) -> String {
    let options = OptionListing(cards.map { ($0.name, $0.options) }, of: "strategy")
    return """
      \(strategies(cards).text)

      \(goals)

      \(options.text)
      """
  }
}
