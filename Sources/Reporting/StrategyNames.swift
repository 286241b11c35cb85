import Records

/// Shortens strategies' full names for tables.
package enum StrategyNames {
  /// The names of the cells' strategies, with the nodes of scanner and memory if these differ between rows.
  static func short(_ cells: [CellRecord]) -> [String] {
    let names = short(cells.map(\.strategy))
    let nodes = cells.map { cell in
      "\(cell.scanNode.map(String.init) ?? "?")→\(cell.memoryNode.map(String.init) ?? "?")"
    }
    return Set(nodes).count > 1 ? zip(names, nodes).map { $0 + " " + $1 } : names
  }

  /// The same, with the experiment options in which cells differ and that have no column.
  static func withOptions(_ cells: [CellRecord]) -> [String] {
    zip(short(cells), OptionsText.differing(cells.map(\.experimentOptions))).map { name, options in
      ([name] + options).joined(separator: " ")
    }
  }

  /// The names with only those options in which names of the same strategy differ.
  package static func short(_ fullNames: [String]) -> [String] {
    let names = fullNames.map { $0.split(separator: ":").map(String.init) }
    let byBase = Dictionary(grouping: names.filter { !$0.isEmpty }, by: { $0[0] })
    return names.map { name in
      guard let base = name.first, let same = byBase[base] else { return "" }
      let telling = name.dropFirst().filter { option in !same.allSatisfy { $0.contains(option) } }
      return ([base] + telling).joined(separator: ":")
    }
  }
}
