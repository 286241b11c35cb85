import ArgumentParser
import Experiments
import Hinting
import Reporting

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List strategies, experiments or metrics.")

  enum Subject: String, ExpressibleByArgument, CaseIterable {
    case strategies, experiments, metrics
  }

  @Argument(help: "strategies, experiments or metrics") var subject: Subject

  func run() throws {
    switch subject {
    case .strategies:
      print(StrategyListing.text(Strategies.all.map(\.card)))
    case .experiments:
      print(
        TextListing(
          titles: ["experiment", "question", "files"], rows: Experiments.all.map { [$0.name, $0.question, $0.files] }
        ).text)
    case .metrics:
      print(
        TextListing(
          titles: ["metric", "unit", "better", "primary", "meaning"],
          rows: RunRecord.columns.map { column in
            [column.name, column.unit, column.direction.name, column.isPrimary ? "yes" : "", column.meaning]
          }
        ).text)
    }
  }
}
