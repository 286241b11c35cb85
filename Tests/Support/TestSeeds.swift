import Foundation

/// The seeds of random tests. A failing test names its seed as its argument; `HINTBENCH_SEED` runs that one alone.
public enum TestSeeds {
  private static let environment = ProcessInfo.processInfo.environment
  private static var only: [UInt64]? { environment["HINTBENCH_SEED"].flatMap { UInt64($0) }.map { [$0] } }

  /// 1 to `count`.
  public static func first(_ count: UInt64) -> [UInt64] { only ?? Array(1...count) }

  /// From 1 on, one for each `divisor` of those that the conformance suite takes: `HINTBENCH_SEEDS`, or 1000.
  public static func oneIn(_ divisor: UInt64) -> [UInt64] {
    first(max((environment["HINTBENCH_SEEDS"].flatMap { UInt64($0) } ?? 1000) / divisor, 1))
  }
}
