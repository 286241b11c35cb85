import Instruments

/// Climbs a ladder of primitive costs within a time budget.
public enum Ladder {
  /// Measures the steps, long ones last, and returns the rungs in the order of the steps. A step that may not end in
  /// time isn't begun, and its rungs say so; a step is expected to take up to twice as long as the last one of its kind
  /// suggests. No rung is left out without a reason.
  ///
  /// - Parameters:
  ///   - budgetNanoseconds: the time for all steps.
  ///   - clock: nanoseconds since an arbitrary moment.
  ///   - progress: called before each step with the steps done, the total and the next one's label, and once at the
  ///     end. Never during a measurement.
  public static func climb(
    _ steps: [LadderStep], budgetNanoseconds: Double, clock: () -> UInt64 = MonotonicClock.nanoseconds,
    progress: (_ done: Int, _ total: Int, _ label: String) -> Void = { _, _, _ in }
  ) -> [Rung] {
    let began = clock()
    var nanosecondsPerAmount: [String: Double] = [:]
    var rungs = steps.map { _ in [Rung]() }
    let order = steps.indices.filter { !steps[$0].isLong } + steps.indices.filter { steps[$0].isLong }
    for (done, index) in order.enumerated() {
      let step = steps[index]
      progress(done, steps.count, step.label)
      let before = clock()
      let expected = step.work.flatMap { work in nanosecondsPerAmount[work.kind].map { 2 * $0 * work.amount } } ?? 0
      let spent = Double(before - began)
      guard spent + expected < budgetNanoseconds else {
        let reason =
          "out of time: \(seconds(spent)) of \(seconds(budgetNanoseconds)) s spent"
          + (expected > 0 ? ", and it may take \(seconds(expected)) s" : "")
        rungs[index] = step.primitives.map { Rung($0, .unavailable(reason)) }
        continue
      }
      let outcomes: [Rung.Outcome]
      do {
        outcomes = try step.measure()
        if let work = step.work, outcomes.contains(where: { if case .measured = $0 { true } else { false } }) {
          nanosecondsPerAmount[work.kind] = Double(clock() - before) / work.amount
        }
      } catch {
        outcomes = step.primitives.map { _ in .unavailable("\(error)") }
      }
      precondition(outcomes.count == step.primitives.count, "\(step.label): not one outcome for each rung")
      rungs[index] = zip(step.primitives, outcomes).map { Rung($0, $1) }
    }
    progress(steps.count, steps.count, "")
    return rungs.flatMap { $0 }
  }

  private static func seconds(_ nanoseconds: Double) -> String {
    "\((nanoseconds / 1e8).rounded() / 10)"
  }
}

/// The effort of the ladder's measurements.
public struct LadderEffort: Sendable {
  /// Rounds of each measurement, at least 1.
  public var rounds: Int
  /// The approximate length of a round, if it can be chosen. Nanoseconds.
  public var roundNanoseconds: Double
  /// Working sets of the loads, ascending: powers of two, at least 4 KiB. Bytes.
  public var spans: [UInt64]
  /// The sizes discarded at once, ascending: whole pages. Bytes.
  public var discards: [UInt64]

  public init(rounds: Int, roundNanoseconds: Double, spans: [UInt64], discards: [UInt64]) {
    self.rounds = rounds
    self.roundNanoseconds = roundNanoseconds
    self.spans = spans
    self.discards = discards
  }

  /// Working sets of 32 KiB (a first-level cache), then 64 KiB to 4 GiB in factors of four.
  public static let full = LadderEffort(
    rounds: 7, roundNanoseconds: 3e6, spans: [32 << 10] + (0...8).map { 64 << (10 + 2 * UInt64($0)) },
    discards: [4 << 10, 64 << 10, 2 << 20, 4 << 20, 1 << 30])

  /// Working sets up to 4 MiB, with few and short rounds.
  public static let quick = LadderEffort(
    rounds: 3, roundNanoseconds: 3e5, spans: [32 << 10, 256 << 10, 1 << 20, 4 << 20],
    discards: [4 << 10, 64 << 10, 2 << 20])
}
