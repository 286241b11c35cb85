import ArgumentParser
import Records
import Tracking

/// The options that decide a comparison, shared by all commands that make one.
struct ComparisonOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Metrics that decide, instead of each experiment's own.", valueName: "name,..."))
  var metric: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Significance level (family-wise false-positive rate) (default: 0.01).", valueName: "share"))
  var alpha: Double?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Minimum effect for every metric (default: 5%; exact counts: 0.5%).", valueName: "percent"))
  var minEffect: String?
  @Option(help: ArgumentHelp("File with alpha and minimum effects by metric.", valueName: "file"))
  var thresholds: String?
  @Flag(help: "Exit 4 on improvement.") var strict = false

  /// The names of these options, for passing on the remaining arguments.
  static let options = ["--metric", "--alpha", "--min-effect", "--thresholds"]
  static let flags = ["--strict"]

  /// Whether any of these options is given.
  var isGiven: Bool { metric != nil || alpha != nil || minEffect != nil || thresholds != nil || strict }

  var metrics: [String] {
    metric.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
  }

  func makeThresholds() throws -> Thresholds {
    var made = try thresholds.map { try Thresholds.read($0, .all) } ?? Thresholds(.all)
    if let alpha {
      guard Thresholds.isAlpha(alpha) else {
        throw UserError(.usage, "invalid --alpha \(alpha): expected \(Thresholds.acceptedAlpha)")
      }
      made.alpha = alpha
    }
    if let minEffect { made.setMinimumEffect(try Thresholds.effect(percent: minEffect)) }
    return made
  }
}
