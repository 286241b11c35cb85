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
