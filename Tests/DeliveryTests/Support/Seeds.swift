import Foundation

/// The seeds of the random tests. A failing test names its seed as its argument; `HINTBENCH_SEED` runs that one alone,
/// `HINTBENCH_SEEDS` (1000) how many the conformance suite takes, and one in 100 of that many are run here.
enum Seeds {
  static let list: [UInt64] = {
    let environment = ProcessInfo.processInfo.environment
    if let one = environment["HINTBENCH_SEED"].flatMap({ UInt64($0) }) { return [one] }
    let count = environment["HINTBENCH_SEEDS"].flatMap { UInt64($0) } ?? 1000
    return Array(1...max(count / 100, 1))
  }()
}
