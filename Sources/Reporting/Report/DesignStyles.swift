/// Which mark each design has, the same in every figure of a report.
struct DesignStyles: Sendable {
  private var styles: [Design: MarkStyle] = [:]

  /// A strategy of the list has the same mark in every report. Of several designs of one strategy that stand in one
  /// figure, the first has it, and the others have marks nobody else has.
  ///
  /// - Parameters:
  ///   - figures: the designs that may stand beside each other, one set for each experiment, in order.
  ///   - known: the strategies there are, in order.
  init(_ figures: [[Design]], known: [String]) {
    var extra = known.count
    var baseHolders: [String: [Design]] = [:]
    for design in figures.joined() where styles[design] == nil {
      let holders = baseHolders[design.base] ?? []
      let isFree = !figures.contains { figure in figure.contains(design) && figure.contains { holders.contains($0) } }
      if isFree, let number = known.firstIndex(of: design.base) {
        // The control comes first in the list, and is no design.
        styles[design] = number == 0 ? .none : MarkStyle(number: number - 1)
        baseHolders[design.base] = holders + [design]
      } else {
        styles[design] = MarkStyle(number: extra - 1)
        extra += 1
      }
    }
  }

  subscript(_ design: Design) -> MarkStyle { styles[design] ?? .none }
}
