/// How much a calibration takes upon itself.
public struct CalibrationEffort: Sendable {
  public var ladder: LadderEffort
  /// Aged guests whose lists are walked, ascending. Bytes.
  public var guests: [UInt64]
  /// Whether there is one more whose lists don't fit in the last-level cache.
  public var walksBeyondCache: Bool
  /// What isn't measured by then says so. Nanoseconds.
  public var budgetNanoseconds: Double

  public init(ladder: LadderEffort, guests: [UInt64], walksBeyondCache: Bool, budgetNanoseconds: Double) {
    self.ladder = ladder
    self.guests = guests
    self.walksBeyondCache = walksBeyondCache
    self.budgetNanoseconds = budgetNanoseconds
  }

  /// Within 30 seconds, on two cores.
  public static let full = CalibrationEffort(
    ladder: .full, guests: [8 << 30, 64 << 30], walksBeyondCache: true, budgetNanoseconds: 29e9)

  /// A few seconds.
  public static let quick = CalibrationEffort(
    ladder: .quick, guests: [1 << 30, 8 << 30], walksBeyondCache: false, budgetNanoseconds: 29e9)
}
