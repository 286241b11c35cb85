import Records

/// A listing of the options of strategies or experiments, one row each.
struct OptionListing {
  private let listing: TextListing

  /// Creates a listing. `kind`: "strategy" or "experiment".
  init(_ owners: [(name: String, options: [DeclaredOption])], of kind: String) {
    listing = TextListing(
      titles: [kind, "option", "accepted", "default", "meaning", "source"],
      rows: owners.flatMap { owner in
        owner.options.map { option in
          [
            owner.name, option.name, option.range, option.defaultValue, option.meaning + Self.condition(option),
            option.source,
          ]
        }
      })
  }

  private static func condition(_ option: DeclaredOption) -> String {
    option.condition.map { "; only with \($0.option)=\($0.values.joined(separator: "/"))" } ?? ""
  }

  var text: String {
    """
    Options, written NAME:OPTION=VALUE, a sweep NAME:OPTION=VALUE/VALUE:

    \(listing.text)
    """
  }
}
