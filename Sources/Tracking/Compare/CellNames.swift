import Reporting

/// Readable names of cells: the strategy, and whatever else distinguishes them.
struct CellNames {
  /// The description of what all cells have in common.
  let common: [String]
  private let names: [String: String]

  /// `withStrategy`: false if all cells compare the same two strategies.
  init(_ cells: [CellFacts], withStrategy: Bool) {
    func telling(_ parts: (CellFacts) -> [String?]) -> [Int] {
      (0..<(cells.first.map { parts($0).count } ?? 0)).filter { index in Set(cells.map { parts($0)[index] }).count > 1 }
    }
    let parts = telling(\.parts)
    let placement = telling(\.placement)
    let experiments = Set(cells.map(\.experiment))
    common =
      (experiments.count == 1 ? Array(experiments) : [])
      + (cells.first.map { first in first.parts.indices.filter { !parts.contains($0) }.compactMap { first.parts[$0] } }
        ?? [])
    let strategies = StrategyNames.short(cells.map(\.strategy))
    let texts = zip(cells, strategies).map { cell, strategy in
      let words =
        (withStrategy ? [strategy] : []) + (experiments.count > 1 ? [cell.experiment] : [])
        + parts.compactMap { cell.parts[$0] } + placement.compactMap { cell.placement[$0] }
      return words.isEmpty ? cell.experiment : words.joined(separator: " ")
    }
    // Properties missing from the rows, such as the requested free share, only show in the id.
    let counts = Dictionary(texts.map { ($0, 1) }, uniquingKeysWith: +)
    names = Dictionary(
      zip(cells, texts).map { ($0.cellID, counts[$1] == 1 ? $1 : "\($1) #\($0.cellID.prefix(6))") }
    ) { first, _ in first }
  }

  subscript(_ cellID: String) -> String { names[cellID] ?? cellID }
}
