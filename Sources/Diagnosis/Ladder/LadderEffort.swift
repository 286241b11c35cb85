/// How much the ladder's measurements take upon themselves.
public struct LadderEffort: Sendable {
  /// Rounds of each measurement, at least 1.
  public var rounds: Int
  /// About how long a round takes where its length can be chosen. Nanoseconds.
  public var roundNanoseconds: Double
  /// Working sets of the loads, ascending: powers of two, at least 4 KiB. Bytes.
  public var spans: [UInt64]
  /// Sizes that are given back at once, ascending: whole pages. Bytes.
  public var discards: [UInt64]

  public init(rounds: Int, roundNanoseconds: Double, spans: [UInt64], discards: [UInt64]) {
    self.rounds = rounds
    self.roundNanoseconds = roundNanoseconds
    self.spans = spans
    self.discards = discards
  }

  /// 32 KiB, which is a first-level cache, then 64 KiB to 4 GiB in steps of four.
  public static let full = LadderEffort(
    rounds: 7, roundNanoseconds: 3e6, spans: [32 << 10] + (0...8).map { 64 << (10 + 2 * UInt64($0)) },
    discards: [4 << 10, 64 << 10, 2 << 20, 4 << 20, 1 << 30])

  /// Up to 4 MiB, few and short rounds.
  public static let quick = LadderEffort(
    rounds: 3, roundNanoseconds: 3e5, spans: [32 << 10, 256 << 10, 1 << 20, 4 << 20],
    discards: [4 << 10, 64 << 10, 2 << 20])
}
