import Foundation
import Records

/// Records for tests, and a seeded source of numbers.
public enum RecordFixtures {
  public static func run(
    cell: String = "c0", repetition: Int = 0, outcome: RunOutcome = .complete, nsPerBlock: Double? = nil
  ) -> RunRecord {
    var run = RunRecord(
      identity: .init(
        runID: "r", cellID: cell, time: Date(timeIntervalSince1970: 1_700_000_000), host: "h", experiment: "scan",
        strategy: "none", repetition: repetition, seed: 1),
      guest: .init(
        bytes: 8 << 30, nodes: 1, cpus: 2, zones: 3, granuleOrder: 0, vmemmapPageBytes: 4096, lockKind: "queued",
        pageInit: "none", state: "fresh", listOrder: "ascending"),
      load: .init(kind: "none", mutators: 0, oversubscribed: false, cache: "cold"),
      found: .init(outcome: outcome))
    run.speed.nsPerBlock = nsPerBlock
    return run
  }

  /// SplitMix64.
  public struct Generator: RandomNumberGenerator {
    public var state: UInt64

    public init(state: UInt64) { self.state = state }

    public mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = state
      word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
      return word ^ (word >> 31)
    }
  }
}
