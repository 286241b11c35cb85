import Foundation
import TestSupport
import Testing

@testable import Records

@Suite struct HoldLimitCheckTests {
  /// Clopper and Pearson's bounds, from tables of the beta distribution.
  @Test(arguments: [
    (0, 5, 0.0, 0.4507), (5, 5, 0.5493, 1.0), (0, 29, 0.0, 0.0981), (5, 10, 0.2224, 0.7776), (27, 30, 0.7614, 0.9722),
    (1, 1, 0.05, 1.0),
  ])
  func boundsAreThoseOfTheBetaDistribution(_ count: Int, _ total: Int, _ low: Double, _ high: Double) throws {
    let share = try #require(BinomialShare(count, of: total))
    #expect(abs(share.low - low) < 1e-4, "\(share)")
    #expect(abs(share.high - high) < 1e-4, "\(share)")
  }

  @Test func thereIsNoShareOfNothing() {
    #expect(BinomialShare(0, of: 0) == nil)
    #expect(BinomialShare(2, of: 1) == nil)
    #expect(HoldLimitCheck(longest: [], limit: 1) == nil)
  }

  @Test func fourRepetitionsDecideNothingAndFiveDo() throws {
    for (count, verdict) in [(4, HoldLimitVerdict.notEnoughData), (5, .within)] {
      #expect(try #require(HoldLimitCheck(longest: Array(repeating: 1, count: count), limit: 2)).verdict == verdict)
    }
    #expect(try #require(HoldLimitCheck(longest: [3, 3, 3, 3, 3], limit: 2)).verdict == .beyond)
    // A hold of exactly the limit keeps it.
    #expect(try #require(HoldLimitCheck(longest: [2, 2, 2, 2, 2], limit: 2)).verdict == .within)
  }

  /// Whatever the number of repetitions and the share of sessions beyond the limit, at most one verdict in twenty is
  /// wrong. Each is of its own cell; 2,000 of them leave 1.3 % of chance (four standard deviations).
  @Test(arguments: [3, 5, 9, 10, 30, 60])
  func atMostOneVerdictInTwentyIsWrong(_ repetitions: Int) throws {
    for (seed, share) in [0.05, 0.3, 0.45, 0.499, 0.501, 0.55, 0.7, 0.95].enumerated() {
      var generator = SplitMix64(seed: UInt64(seed + 100 * repetitions))
      var wrong = 0
      for _ in 0..<2000 {
        let longest = (0..<repetitions).map { _ in generator.uniform() < share ? 2.0 : 0.5 }
        let verdict = try #require(HoldLimitCheck(longest: longest, limit: 1)).verdict
        if verdict == (share < 0.5 ? .beyond : .within) { wrong += 1 }
      }
      #expect(Double(wrong) / 2000 < 0.05 + 0.02, "\(repetitions) repetitions, share \(share)")
    }
  }

  /// More repetitions decide more: the verdict isn't bought by saying nothing.
  @Test func thirtyRepetitionsDecideWhatIsClear() throws {
    for (share, right) in [(0.1, HoldLimitVerdict.within), (0.9, .beyond)] {
      var generator = SplitMix64(seed: 5)
      let count = try (0..<500).count { _ in
        let longest = (0..<30).map { _ in generator.uniform() < share ? 2.0 : 0.5 }
        return try #require(HoldLimitCheck(longest: longest, limit: 1)).verdict == right
      }
      #expect(count >= 499, "share \(share)")
    }
  }

  @Test func aCellIsJudgedByItsUndisturbedHolds() throws {
    func run(_ number: Int, _ longest: Double, _ undisturbed: Double?, preempted: Int?) -> RunRecord {
      var run = RunRecord()
      run.identity.repetition = number
      run.found = RunRecord.Found(outcome: .complete)
      run.lock.holdNsMax = longest
      run.lock.holdNsMaxUndisturbed = undisturbed
      run.lock.holdsPreempted = preempted
      return run
    }
    // The third repetition's longest work was preempted: it says nothing.
    let runs = [run(0, 9, 4, preempted: 1), run(1, 5, 5, preempted: 0), run(2, 99, nil, preempted: 1)]
    let cell = try #require(CellSummary.record(of: runs, holdLimitNs: 4))
    #expect(cell.longestHold.median == 4.5)
    #expect([cell.holdLimitExceeded, cell.holdLimitJudged] == [1, 2])
    // None is left: the longest of all is better than nothing, and never too short.
    let all = try #require(CellSummary.record(of: [runs[2]], holdLimitNs: 4))
    #expect(all.longestHold.median == 99)
    #expect([all.holdLimitExceeded, all.holdLimitJudged] == [1, 1])
    // A host that can't tell, or a run from before schema_version 4: the longest of all.
    #expect(run(0, 9, nil, preempted: nil).lock.longestHold == 9)
  }

  /// A preempted hold decides where the time that its thread waited for a CPU can't: on both sides of the limit.
  @Test func aPreemptedHoldIsJudgedWhereTheDelayDoesNotMatter() throws {
    func run(_ longest: Double, delay: Double?) -> RunRecord {
      var run = RunRecord()
      run.found = RunRecord.Found(outcome: .complete)
      run.lock.holdNsMax = longest
      run.lock.holdsPreempted = 1
      run.trust.runDelayNs = delay
      return run
    }
    #expect(run(90, delay: 50).preemptedHold(against: 100) == 90)
    #expect(run(90, delay: nil).preemptedHold(against: 100) == 90)
    #expect(run(120, delay: 30).preemptedHold(against: 100) == nil)
    #expect(run(120, delay: 20).preemptedHold(against: 100) == nil)
    #expect(run(120, delay: 19).preemptedHold(against: 100) == 101)
    #expect(run(120, delay: nil).preemptedHold(against: 100) == nil)
    let runs = (0..<6).map { _ in run(62e6, delay: 9e6) }
    let cell = try #require(CellSummary.record(of: runs, holdLimitNs: 1e5))
    #expect(cell.holdLimitVerdict == .beyond && cell.holdLimitJudged == 6)
  }
}
