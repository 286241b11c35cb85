import Reporting

/// What cells are called where people read: the strategy and whatever else tells one from the others.
struct CellNames {
  /// What all cells have in common.
  let common: [String]
  private let names: [String: String]

  /// `withStrategy`: false where all cells compare the same two strategies.
  init(_ cells: [CellFacts], withStrategy: Bool) {
    let count = cells.map(\.parts.count).max() ?? 0
    func part(_ cell: CellFacts, _ index: Int) -> String? { index < cell.parts.count ? cell.parts[index] : nil }
    let telling = (0..<count).filter { index in Set(cells.map { part($0, index) }).count > 1 }
    let experiments = Set(cells.map(\.experiment))
    common =
      (experiments.count == 1 ? Array(experiments) : [])
      + (cells.first.map { first in (0..<count).filter { !telling.contains($0) }.compactMap { part(first, $0) } } ?? [])
    let strategies = StrategyNames.short(cells.map(\.strategy))
    let texts = zip(cells, strategies).map { cell, strategy in
      let words =
        (withStrategy ? [strategy] : []) + (experiments.count > 1 ? [cell.experiment] : [])
        + telling.compactMap { part(cell, $0) }
      return words.isEmpty ? cell.experiment : words.joined(separator: " ")
    }
    // What the rows don't say, as the share of memory that was asked to be free, only the id tells.
    let counts = Dictionary(texts.map { ($0, 1) }, uniquingKeysWith: +)
    names = Dictionary(
      zip(cells, texts).map { ($0.cellID, counts[$1] == 1 ? $1 : "\($1) #\($0.cellID.prefix(6))") }
    ) { first, _ in first }
  }

  subscript(_ cellID: String) -> String { names[cellID] ?? cellID }
}
