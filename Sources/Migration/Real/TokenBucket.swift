/// Limits the average sending rate. A delayed sender may catch up for a short time.
public struct TokenBucket: Sendable {
  /// The time per byte. Nanoseconds.
  private let each: Double
  private let burst: Double
  /// When everything sent so far was due. Nanoseconds.
  private var due = 0.0

  /// - Parameters:
  ///   - rate: bytes a second; infinite for no limit.
  ///   - burst: how much time may be caught up. Nanoseconds.
  public init(rate: Double, burst: Double = 10e6) {
    precondition(rate > 0, "\(rate) bytes a second")
    each = 1e9 / rate
    self.burst = burst
  }

  /// Returns how long to wait before sending these bytes. Nanoseconds.
  public mutating func delay(_ bytes: Double, at now: Double) -> Double {
    due = max(due, now - burst) + bytes * each
    return max(0, due - now)
  }
}
