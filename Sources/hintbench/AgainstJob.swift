import ArgumentParser
import Bench
import Experiments
import Foundation
import Machine
import Reporting
import Tracking

/// Runs `run --against`, from folder to table.
enum AgainstJob {
  /// Launches both builds and compares them. Throws the exit status of the comparison if it isn't 0.
  static func start(_ matrix: Matrix, _ against: Against, _ options: ComparisonOptions, out: String?) throws {
    try DebugBuild.refuse()
    let thresholds = try options.makeThresholds()
    try Comparison.check(options.metrics, Set(matrix.cells.map(\.experimentCard.name)), .all)
    let words = LaunchWords(
      of: Array(CommandLine.arguments.dropFirst()),
      without: AgainstOptions.options + ComparisonOptions.options + ["--out"], flags: ComparisonOptions.flags)
    let path = out ?? "\(RunJob.runsFolder)/\(RunName.make(Date()))"
    let total = 2 * against.launches
    let bar = ProgressBar(total: total)
    // Four launches hold their guests at the same time.
    let takesTurns = matrix.peakBytes <= Matrix.HostResources.current.availableBytes / 5
    if !takesTurns { RunJob.say("launches run one after the other: four of these guests don't fit in memory at once") }
    let runs = try against.run(words, out: path, takesTurns: takesTurns, .all) { done in
      bar.update(done: done, label: "\(done) of \(total) launches")
    }
    bar.clear()
    let comparison = try Comparison(base: runs.base, new: runs.new, thresholds: thresholds, metrics: options.metrics)
    try JSONFile(newAt: path + "/comparison.json").write(comparison)
    try TextFile(newAt: path + "/comparison.md").write(ComparisonMarkdown(comparison).text)
    print(ComparisonTable(comparison).text)
    print("Files: \(path)")
    let status = comparison.exitStatus(strict: options.strict)
    if status != 0 { throw ExitCode(status) }
  }
}
