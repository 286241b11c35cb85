/// A cost, measured several times.
public struct CostRange: Equatable, Codable, Sendable {
  /// The median measurement.
  public var median: Double
  /// The lowest measurement.
  public var lowest: Double
  /// The highest measurement.
  public var highest: Double

  public init(median: Double, lowest: Double, highest: Double) {
    self.median = median
    self.lowest = lowest
    self.highest = highest
  }

  /// Creates a range from measurements; at least one.
  package init(_ measurements: [Double]) {
    let sorted = measurements.sorted()
    precondition(!sorted.isEmpty, "a cost was measured not once")
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    lowest = sorted[0]
    highest = sorted[sorted.count - 1]
  }
}
