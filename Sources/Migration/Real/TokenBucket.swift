/// Holds what is sent to so many bytes a second, on average: a sender that was held up may catch up on a short time.
public struct TokenBucket: Sendable {
  /// Nanoseconds of one byte.
  private let each: Double
  private let burst: Double
  /// When everything that was let through so far was due.
  private var due = 0.0

  /// - Parameters:
  ///   - rate: bytes a second; infinite where nothing is held back.
  ///   - burst: how much time may be caught up on. Nanoseconds.
  public init(rate: Double, burst: Double = 10e6) {
    precondition(rate > 0, "\(rate) bytes a second")
    each = 1e9 / rate
    self.burst = burst
  }

  /// Lets bytes through; how long they have to wait. Nanoseconds.
  public mutating func delay(_ bytes: Double, at now: Double) -> Double {
    due = max(due, now - burst) + bytes * each
    return max(0, due - now)
  }
}
