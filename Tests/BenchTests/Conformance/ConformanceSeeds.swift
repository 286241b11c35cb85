import Foundation
import Hinting

/// Which seeds the suite runs: `HINTBENCH_SEEDS` of them in all (1000), shared out over the strategies, or the one in
/// `HINTBENCH_SEED` for every strategy.
enum ConformanceSeeds {
  static func each(share: Int = 1) -> [UInt64] {
    let environment = ProcessInfo.processInfo.environment
    if let one = environment["HINTBENCH_SEED"].flatMap({ UInt64($0) }) { return [one] }
    let total = environment["HINTBENCH_SEEDS"].flatMap { Int($0) } ?? 1000
    return (0..<UInt64(max(1, total / share / Strategies.all.count))).map { $0 }
  }
}
