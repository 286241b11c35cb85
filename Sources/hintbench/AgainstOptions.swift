import ArgumentParser
import Bench
import Experiments
import Records
import Tracking

/// The options of `run` that compare this build with another.
struct AgainstOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Launch this build and another one by turns, with the same arguments, and compare them.", valueName: "hintbench"))
  var against: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Launches of each build, an even number (default: \(Against.defaultLaunches), or as many as the cells need).",
      valueName: "n"))
  var launches: Int?
  @OptionGroup var comparison: ComparisonOptions

  /// Options that aren't passed on to a launch.
  static let options = ["--against", "--launches"]

  /// Whether any of these options is given.
  var isGiven: Bool { against != nil || launches != nil || comparison.isGiven }

  /// The number of decisions of a comparison: cells decided by a measured metric, times the metrics that decide. The
  /// default metric depends on the cell; a cell that it decides exactly needs no launches and doesn't count.
  func deciding(_ matrix: Matrix) -> Int {
    let metrics = comparison.metrics.count
    let cells = matrix.cells.count { cell in
      let isExact = matrix.counters == .simulated || cell.experimentCard.isExact(cell.options)
      return !cell.oversubscribed && !(isExact && metrics == 0)
        && !Catalogue.all.isControl(strategy: cell.strategyName, experiment: cell.experimentCard.name)
    }
    return cells * max(metrics, 1)
  }

  /// The requested comparison of builds on this matrix; nil for a run of this build alone.
  func makeAgainst(_ matrix: Matrix) throws -> Against? {
    guard let against else {
      guard !isGiven else {
        throw UserError(.usage, "--launches, --metric, --alpha, --min-effect, --thresholds and --strict need --against")
      }
      return nil
    }
    let alpha = try comparison.makeThresholds().alpha
    let needed = Against.launches(deciding: deciding(matrix), alpha: alpha)
    return try Against(baseline: against, launches: launches ?? needed)
  }
}
