import Hinting

/// `hintbench list strategies`: what each design is, what it may be used for and what can be set.
public enum StrategyListing {
  public static func text(_ cards: [StrategyCard]) -> String {
    let designs = TextListing(
      titles: ["strategy", "from", "serves", "orders", "one hold looks at", "side effects", "limits"],
      rows: cards.map { card in
        [
          card.name, card.origin, card.goal.rawValue, card.orders == .any ? "any" : "highest", card.holdBound,
          card.sideEffects,
          card.limits,
        ]
      })
    let options = TextListing(
      titles: ["strategy", "option", "accepted", "default", "meaning", "source"],
      rows: cards.flatMap { card in
        card.options.map { [card.name, $0.name, $0.range, $0.defaultValue, $0.meaning, $0.source] }
      })
    return """
      \(designs.text)

      serves: migration, addresses that may be stale at once, right only under a dirty log; reclaim, blocks that the guest \
      holds while the host acts, which may also be discarded.

      Options, written NAME:OPTION=VALUE, a sweep NAME:OPTION=VALUE/VALUE:

      \(options.text)
      """
  }
}
