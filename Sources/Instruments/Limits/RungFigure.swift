/// What one primitive step costs: several rounds, each of many steps.
public struct RungFigure: Equatable, Sendable {
  /// Nanoseconds a step: of the rounds the middle one, the least and the most.
  public var cost: CostRange
  /// How many rounds, more than 0.
  public var rounds: Int
  /// Steps in each round, about where rounds end by the clock; more than 0.
  public var operations: Int
  /// What else a reader must know of it.
  public var note: String?

  /// `costs`: nanoseconds a step, one of each round; at least one.
  public init(costs: [Double], operations: Int, note: String? = nil) {
    cost = CostRange(costs)
    rounds = costs.count
    self.operations = operations
    self.note = note
  }

  /// Calls `body` once a round, which takes `operations` steps and returns the clock's ticks they took. Fewer rounds
  /// where they take long (``Patience``).
  public init(rounds: Int, operations: Int, body: (_ operations: Int) throws -> UInt64) rethrows {
    var costs: [Double] = []
    let patience = Patience()
    for round in 0..<rounds where !patience.isOver(rounds: round) {
      costs.append(CycleClock.nanoseconds(fromTicks: try body(operations)) / Double(operations))
    }
    self.init(costs: costs, operations: operations)
  }
}

/// When a measurement whose rounds take long has enough of them: after a second, at three.
public struct Patience {
  private static let nanoseconds: UInt64 = 1_000_000_000
  private static let fewestRounds = 3
  private let began = MonotonicClock.nanoseconds()

  public init() {}

  /// Whether so many rounds will do.
  public func isOver(rounds: Int) -> Bool {
    rounds >= Self.fewestRounds && MonotonicClock.nanoseconds() - began > Self.nanoseconds
  }
}
