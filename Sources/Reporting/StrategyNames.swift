/// Strategies' full names as tables show them.
enum StrategyNames {
  /// With those options only in which names of the same strategy differ.
  static func short(_ fullNames: [String]) -> [String] {
    let names = fullNames.map { $0.split(separator: ":").map(String.init) }
    let byBase = Dictionary(grouping: names.filter { !$0.isEmpty }, by: { $0[0] })
    return names.map { name in
      guard let base = name.first, let same = byBase[base] else { return "" }
      let telling = name.dropFirst().filter { option in !same.allSatisfy { $0.contains(option) } }
      return ([base] + telling).joined(separator: ":")
    }
  }
}
