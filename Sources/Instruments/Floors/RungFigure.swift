/// The cost of a primitive step: several rounds of many steps each.
public struct RungFigure: Equatable, Sendable {
  /// The median, lowest and highest round. Nanoseconds a step.
  public var cost: CostRange
  /// The number of rounds, above 0.
  public var rounds: Int
  /// The number of steps per round, above 0; approximate if rounds end by the clock.
  public var operations: Int
  /// A note for the reader.
  public var note: String?

  /// Creates a figure. `costs`: nanoseconds a step, one per round; at least one.
  public init(costs: [Double], operations: Int, note: String? = nil) {
    cost = CostRange(costs)
    rounds = costs.count
    self.operations = operations
    self.note = note
  }

  /// Calls `body` once per round; it makes `operations` steps and returns the ticks they took. Makes fewer rounds if
  /// they take long (``Patience``).
  public init<Failure: Error>(
    rounds: Int, operations: Int, body: (_ operations: Int) throws(Failure) -> UInt64
  ) throws(Failure) {
    var costs: [Double] = []
    let patience = Patience()
    for round in 0..<rounds where !patience.isOver(rounds: round) {
      costs.append(CycleClock.nanoseconds(fromTicks: try body(operations)) / Double(operations))
    }
    self.init(costs: costs, operations: operations)
  }
}

/// Decides when a measurement with long rounds is complete: after three rounds and a second.
public struct Patience {
  private static let nanoseconds: UInt64 = 1_000_000_000
  private static let fewestRounds = 3
  private let began = MonotonicClock.nanoseconds()

  public init() {}

  /// Whether this number of rounds is enough.
  public func isOver(rounds: Int) -> Bool {
    rounds >= Self.fewestRounds && MonotonicClock.nanoseconds() - began > Self.nanoseconds
  }
}

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
