import Foundation
import Machine
import Records
import Reporting

/// A history in Apache Otava's format: `otava.yaml`, and a CSV file per test, which is a cell (with key) of one
/// machine. There is a group of tests for each experiment, and `all`.
public struct OtavaExport: Sendable {
  /// An Otava test.
  struct Test: Sendable {
    /// `scan/page-reporting/8GiB-fresh/8603c2`
    var name: String
    var file: String
    var experiment: String
    /// The description of the cell.
    var comment: String
    var metrics: [TrackedMetric]
    /// The rows: run, time, commit, then the metrics.
    var rows: [[String?]]
  }

  let tests: [Test]
  /// What couldn't be exported to Otava, and why.
  public let omissions: [String]
  /// The start of the oldest run.
  private let oldest: Date?

  public init(_ export: HistoryExport) {
    let hosts = Set(export.subjects.map(\.host))
    var tests: [Test] = []
    var omissions: [String] = []
    var taken: Set<String> = []
    for subject in export.subjects {
      var name = Self.name(subject, withHost: hosts.count > 1)
      // The same cell of two builds, or of two machines of one name.
      if !taken.insert(Self.fileName(name)).inserted {
        let number = (2...).first { !taken.contains(Self.fileName("\(name)-\($0)")) } ?? 0
        name += "-\(number)"
        taken.insert(Self.fileName(name))
      }
      // Otava accepts no empty fields: the decisive metric includes every run; other metrics only those that all these
      // runs have.
      guard let decisive = subject.lines.first else { continue }
      let runs = decisive.points.map(\.entry)
      let values = subject.lines.map { line in
        Dictionary(line.points.map { ($0.entry.id, $0.value) }) { first, _ in first }
      }
      let whole = subject.lines.indices.filter { index in runs.allSatisfy { values[index][$0.id] != nil } }
      for index in subject.lines.indices where !whole.contains(index) {
        omissions.append("\(name): \(subject.lines[index].metric.name), which not every run has")
      }
      tests.append(
        Test(
          name: name, file: Self.fileName(name), experiment: Self.safe(subject.facts.experiment),
          comment: ([subject.facts.strategy] + subject.facts.parts.compactMap { $0 } + [subject.key, subject.cellID])
            .filter { !$0.isEmpty }.joined(separator: ", "),
          metrics: whole.map { subject.lines[$0].metric },
          rows: runs.map { run in
            [run.started, run.name, run.commit.map { String($0.prefix(12)) } ?? "unknown"]
              + whole.map { index in values[index][run.id]?.decimalText }
          }))
    }
    self.tests = tests
    self.omissions = omissions
    oldest = tests.flatMap(\.rows).compactMap { $0[0].flatMap { Date(columnText: $0) } }.min()
  }

  /// A name that stays the same as other cells come and go: the strategy's bare name, and enough of the cell's.
  private static func name(_ subject: HistoryExport.Subject, withHost: Bool) -> String {
    let guest = subject.guest.guest
    let size = Figure.bytes(guest.bytes).replacing(" ", with: "")
    var parts: [String] = withHost ? [subject.host] : []
    parts += [subject.facts.experiment, StrategyWord(subject.facts.strategy).name, "\(size)-\(guest.state)"]
    parts.append(String(subject.cellID.prefix(6)))
    parts += subject.key.split(separator: " ").map { String($0) }
    return parts.map(safe).joined(separator: "/")
  }

  /// Replaces blanks and everything that a shell or a file system treats specially.
  private static func safe(_ text: String) -> String {
    String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-=.,+".contains($0)) ? $0 : "_" })
  }

  private static func fileName(_ name: String) -> String { name.replacing("/", with: "_") + ".csv" }

  // MARK: Files

  private static let attributes = ["run", "commit"]

  /// The content of `otava.yaml`. Files are named relative to its folder.
  var configuration: String {
    func quoted(_ text: String) -> String { "\"\(text)\"" }
    // `otava validate` reports a metric of two tests as a duplicate; `analyze` accepts it.
    var lines = ["# Made by `hintbench history export --otava`.", "tests:"]
    for test in tests {
      lines += [
        "  # \(test.comment.replacing("\n", with: " "))", "  \(quoted(test.name)):", "    type: csv",
        "    file: \(quoted(test.file))", "    time_column: time",
        "    attributes: [\(Self.attributes.joined(separator: ", "))]", "    metrics:",
      ]
      for metric in test.metrics {
        let direction = metric.direction == .higherIsBetter ? 1 : -1
        lines.append("      \(metric.name): {scale: 1, direction: \(direction)}")
      }
    }
    lines.append("test_groups:")
    var experiments: [String] = []
    for test in tests where !experiments.contains(test.experiment) { experiments.append(test.experiment) }
    for group in experiments + ["all"] {
      lines.append("  \(quoted(group)):")
      lines += tests.filter { group == "all" || $0.experiment == group }.map { "    - \(quoted($0.name))" }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes the files, replacing those of an earlier export, `otava.yaml` last.
  ///
  /// - Throws: ``UserError``: of kind usage if the folder holds anything else; of kind io.
  public func write(to folder: String) throws(UserError) {
    _ = try FileAccess.makeFolders(folder)
    let configurationFile = folder + "/otava.yaml"
    let others = try FileAccess.names(in: folder)
    guard others.isEmpty || FileAccess.exists(configurationFile) else {
      throw UserError(
        kind: .usage, path: folder, problem: "the folder holds something else than an earlier export",
        help: "name a new one")
    }
    for test in tests {
      let header = ["time"] + Self.attributes + test.metrics.map(\.name)
      try FileAccess.writeAtomically(Array(CSVText.make([header] + test.rows).utf8), to: folder + "/" + test.file)
    }
    try FileAccess.writeAtomically(Array(configuration.utf8), to: configurationFile)
  }

  /// The written files, and the command that reads them.
  public func hint(_ folder: String, now: Date = Date()) -> String {
    var lines = omissions.map { "skipped: \($0)" }
    lines.append(
      "Files: \(folder)/otava.yaml, \(tests.count) tests of up to \(tests.map(\.rows.count).max() ?? 0) runs")
    // Otava itself only reads the last 365 days.
    let days = oldest.map { Int(now.timeIntervalSince($0) / 86400) } ?? 0
    let since = days >= 364 ? " --since \"\(days + 1) days ago\"" : ""
    let place =
      folder.contains { !($0.isASCII && ($0.isLetter || $0.isNumber || "-_./".contains($0))) }
      ? "'" + folder.replacing("'", with: "'\\''") + "'" : folder
    lines.append("Change points: cd \(place) && otava analyze --config-file otava.yaml all\(since)")
    return lines.joined(separator: "\n")
  }
}
