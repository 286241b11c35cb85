import ArgumentParser
import Records
import Tracking

/// What decides a comparison, wherever one is made.
struct ComparisonOptions: ParsableArguments {
  @Option(help: ArgumentHelp("What decides in every cell, instead of each experiment's own.", valueName: "name,..."))
  var metric: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How often equal builds may be called different (default: 0.01).", valueName: "share"))
  var alpha: Double?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The least change that counts, of every metric (default: 5 %, of exact counts 0.5 %).", valueName: "percent"))
  var minEffect: String?
  @Option(help: ArgumentHelp("Alpha and minimum effects, by metric, from a checked-in file.", valueName: "file"))
  var thresholds: String?
  @Flag(help: "End with 4 where something got better.") var strict = false

  /// The words of all these, for who calls something else with the rest of a command line.
  static let options = ["--metric", "--alpha", "--min-effect", "--thresholds"]
  static let flags = ["--strict"]

  /// Whether any is there.
  var isGiven: Bool { metric != nil || alpha != nil || minEffect != nil || thresholds != nil || strict }

  var metrics: [String] {
    metric.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
  }

  func makeThresholds() throws -> Thresholds {
    var made = try thresholds.map { try Thresholds.read($0, .all) } ?? Thresholds(.all)
    if let alpha {
      guard Thresholds.isAlpha(alpha) else {
        throw UserError(.usage, "--alpha can't be \(alpha); accepted: \(Thresholds.acceptedAlpha)")
      }
      made.alpha = alpha
    }
    if let minEffect { made.setMinimumEffect(try Thresholds.effect(percent: minEffect)) }
    return made
  }
}
