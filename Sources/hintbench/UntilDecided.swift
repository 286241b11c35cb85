import Bench
import Experiments
import Foundation
import Records
import Reporting
import Tracking

/// `run --until decided`: the matrix of each look, and its comparisons.
enum UntilDecided {
  private static let thresholds = Thresholds(.all)

  /// The matrix of the first look.
  ///
  /// - Throws: ``UserError`` of kind usage if there is nothing to compare.
  static func first(_ matrix: Matrix) throws -> Matrix {
    let names = SequentialRule.compared(matrix.cells.compactMap { $0.configuredStrategy?.fullName }, .all)
    guard names.count > 1, let repetitions = SequentialRule.repetitions(after: 0) else { throw SequentialRule.tooFew }
    return matrix.repeated(repetitions, timeLimit: matrix.timeLimitNanoseconds)
  }

  /// The matrix of the next look; nil after the last, and if the time limit leaves no time.
  ///
  /// - Parameter began: when the first look's repetitions began.
  static func next(_ matrix: Matrix, since began: ContinuousClock.Instant) -> Matrix? {
    guard let repetitions = SequentialRule.repetitions(after: matrix.config.repetitions) else { return nil }
    guard let text = matrix.config.timeLimit, let limit = try? TimeSpan(text).nanoseconds else {
      return matrix.repeated(repetitions, timeLimit: nil)
    }
    let left = limit - (ContinuousClock.now - began) / .nanoseconds(1)
    return left > 0 ? matrix.repeated(repetitions, timeLimit: left) : nil
  }

  /// The comparisons of what was measured; none before all planned repetitions are there.
  static func comparisons(_ round: Round, _ folder: RunFolder) throws -> [Comparison] {
    guard round.isWhole else { return [] }
    // The comparison reads them.
    try folder.write(cells: round.cells)
    var run = try TrackedRun(folder: round.contents.path, .all)
    // What was planned is there, even if the next look wants more.
    run.meta.finished = Date()
    return try SequentialRule(thresholds).comparisons(run, repetitions: round.matrix.config.repetitions)
  }
}
