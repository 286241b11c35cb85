import Foundation

/// The seeds of the random tests. A failing test names its seed as its argument; `HINTBENCH_SEED` runs that one alone.
enum Seeds {
  static let list: [UInt64] =
    ProcessInfo.processInfo.environment["HINTBENCH_SEED"].flatMap { UInt64($0) }.map { [$0] } ?? Array(1...8)
}
