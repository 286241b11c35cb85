import ArgumentParser
import Experiments
import GuestMemory
import Hinting
import Records
import Reporting
import Tracking

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List strategies, experiments, metrics, or the rules of kernels.")

  enum Subject: String, ExpressibleByArgument, CaseIterable {
    case strategies, experiments, metrics, kernels
  }

  @Argument(help: "What to list: strategies, experiments, metrics or kernels.") var subject: Subject

  func run() throws {
    switch subject {
    case .strategies:
      print(StrategyListing.text(.all))
    case .experiments:
      print(ExperimentListing.text(Experiments.all))
    case .kernels:
      print(
        TextListing(
          titles: ["rule"] + KernelVersion.allCases.map { "\($0.rawValue) (\($0.source))" } + ["where, changed by"],
          rows: KernelRule.all.map { [$0.name] + $0.values + [$0.source] }
        ).text)
    case .metrics:
      let shared = RunRecord.columns.map { column in
        [
          column.name, RunRecord.fileName, column.unit, column.direction.name,
          Self.role(column.name, column.isPrimary, in: Experiments.all),
          column.meaning,
        ]
      }
      let events = EventCountRecord.columns.dropFirst(3).map { column in
        [column.name, EventCountRecord.fileName, column.unit, column.direction.name, "", column.meaning]
      }
      let coverage = CoverageRecord.columns.dropFirst(3).map { column in
        [column.name, CoverageRecord.fileName, column.unit, column.direction.name, "", column.meaning]
      }
      let own = Experiments.all.flatMap { experiment in
        experiment.columns.map {
          [
            $0.name, "\(experiment.name).csv", $0.unit, $0.direction.name,
            Self.role($0.name, $0.isPrimary, in: [experiment]), $0.meaning,
          ]
        }
      }
      let hold = TrackedMetric.repeatableHold
      let cells = [[hold.name, CellRecord.fileName, hold.unit, hold.direction.name, "", hold.meaning]]
      print(
        TextListing(
          titles: ["metric", "file", "unit", "better", "primary", "meaning"],
          rows: shared + cells + events + coverage + own
        ).text)
    }
  }

  /// Whether a metric is primary, and in which experiments it decides `compare`.
  private static func role(_ name: String, _ isPrimary: Bool, in experiments: [ExperimentCard]) -> String {
    let decided = experiments.filter { $0.decisiveMetrics.contains(name) }.map(\.name)
    let counted = Thresholds(.all).decisive(in: "scan", isCounted: true) == [name] ? "if counted by simulation" : nil
    let decides = (decided + [counted].compactMap { $0 }).joined(separator: ", ")
    return [isPrimary ? "yes" : "", decides.isEmpty ? "" : "decides \(decides)"].filter { !$0.isEmpty }
      .joined(separator: ", ")
  }
}
