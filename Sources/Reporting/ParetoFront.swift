/// The elements that no other beats: of two figures, each the lower the better.
enum ParetoFront {
  /// Returns the elements to which no other is at least equal in both figures and better in one, ascending by the first;
  /// of equal ones the first. Complexity: O(n log n).
  static func of<Element>(
    _ all: [Element], _ first: (Element) -> Double, _ second: (Element) -> Double
  ) -> [Element] {
    let sorted = all.enumerated().sorted { left, right in
      (first(left.element), second(left.element), left.offset) < (
        first(right.element), second(right.element), right.offset
      )
    }
    var front: [Element] = []
    for (_, element) in sorted where second(element) < front.last.map(second) ?? .infinity { front.append(element) }
    return front
  }
}

extension PlotSeries {
  /// The staircase of a front, through the whole panel: up and to the right of it everything is beaten.
  static func front(_ points: [Point], in panel: PlotPanel) -> PlotSeries {
    var stairs = ParetoFront.of(points, \.x, \.y).map(\.bare)
    if let first = stairs.first, let last = stairs.last {
      stairs.insert(.init(x: first.x, y: panel.y.to), at: 0)
      stairs.append(.init(x: panel.x.to, y: last.y))
    }
    return PlotSeries(
      label: "frontier", style: MarkStyle(shape: 0, colour: "#9a9a9a", size: 0), line: .steps, width: 2.4,
      hasMarks: false, points: stairs)
  }
}
