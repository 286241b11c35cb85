/// A strategy or an experiment as given on the command line: `NAME[:OPTION=VALUE[/VALUE...]]...`.
public struct OptionSweep: Sendable {
  public let name: String
  /// The given options with their values, in order.
  public private(set) var given: [(option: String, values: [String])] = []

  /// - Parameter kind: "strategy" or "experiment", for messages.
  /// - Throws: ``OptionError`` if a part isn't OPTION=VALUE, or an option is given twice.
  public init(_ text: String, kind: String) throws(OptionError) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    name = parts[0]
    let owner = "\(kind) '\(name)'"
    for part in parts.dropFirst() {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
        throw .malformedOption(owner: owner, text: part)
      }
      guard !given.contains(where: { $0.option == sides[0] }) else {
        throw .repeatedOption(owner: owner, option: sides[0])
      }
      given.append((sides[0], sides[1].split(separator: "/", omittingEmptySubsequences: false).map(String.init)))
    }
  }

  /// Returns every combination of values without duplicates, in the order of declaration, and the names in `shared`
  /// that set an option in at least one of them.
  ///
  /// - Parameters:
  ///   - owner: the owner of the options, as in "strategy 'none'", for messages.
  ///   - shared: values of options that aren't given, by name; earlier entries take precedence.
  /// - Throws: ``OptionError`` for an undeclared option, a value out of range, or a given option that takes effect in
  ///   no combination.
  public func combinations(
    of declared: [DeclaredOption], owner: String, shared: [[String: [String]]] = []
  ) throws(OptionError) -> (values: [OptionValues], used: Set<String>) {
    for (option, _) in given where !declared.contains(where: { $0.name == option }) {
      throw .unknownOption(owner: owner, option: option, known: declared.map(\.name))
    }
    var used: Set<String> = []
    var combinations = [OptionValues([:])]
    for option in declared {
      let written = given.first { $0.option == option.name }?.values
      let inherited = shared.lazy.compactMap { $0[option.name] }.first
      var values: [String] = []
      for value in written ?? inherited ?? option.defaults {
        guard let one = option.canonical(value) else {
          throw .badValue(owner: owner, option: option.name, value: value, accepted: option.range)
        }
        if !values.contains(one) { values.append(one) }
      }
      var isOn = false
      combinations = combinations.flatMap { combination -> [OptionValues] in
        if let condition = option.condition, !condition.values.contains(combination[condition.option] ?? "") {
          var idle = combination
          idle[option.name] = condition.otherwise
          return [idle]
        }
        isOn = true
        return values.map { value in
          var set = combination
          set[option.name] = value
          return set
        }
      }
      if isOn && written == nil && inherited != nil { used.insert(option.name) }
      if let condition = option.condition, !isOn, written != nil {
        throw .idleOption(owner: owner, option: option.name, needs: condition.option, values: condition.values)
      }
    }
    return (combinations, used)
  }
}
