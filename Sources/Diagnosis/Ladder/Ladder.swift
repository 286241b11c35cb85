import Instruments

/// Climbs a ladder of primitive costs within a time.
public enum Ladder {
  /// Measures step by step, the long ones last, and gives the rungs in the order of the steps. A step that may not end
  /// within the time isn't begun, and its rungs say so: it may take twice what the last of
  /// its kind lets expect. No rung is ever left out without a reason.
  ///
  /// - Parameters:
  ///   - budgetNanoseconds: the time for all of it.
  ///   - clock: nanoseconds since any moment.
  ///   - progress: called before each step with the steps done, the steps there are, and the next one's label; and once
  ///     at the end. Never while something is measured.
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
          "the time for it is up: \(seconds(spent)) of \(seconds(budgetNanoseconds)) s were spent"
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
