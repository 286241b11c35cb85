import Hinting
import Records

/// Every experiment there is. Adding one is its file and a line here.
public enum Experiments {
  static let types: [any Experiment.Type] = [
    ScanExperiment.self,
    InterferenceExperiment.self,
    SteadyStateExperiment.self,
    ContiguousExperiment.self,
    MigrationExperiment.self,
    DeliveryExperiment.self,
    PageStatesExperiment.self,
    BallooningExperiment.self,
  ]

  /// What each is, in the order of the list.
  public static var all: [ExperimentCard] { types.map { $0.card } }

  /// - Throws: ``UserError`` where there is none of this name.
  static func named(_ name: String) throws(UserError) -> any Experiment.Type {
    guard let experiment = types.first(where: { $0.card.name == name }) else {
      throw .usage("unknown experiment '\(name)'; there are: \(all.map(\.name).joined(separator: ", "))")
    }
    return experiment
  }
}

extension Catalogue {
  /// Every strategy, experiment and published migration of this program.
  public static let all = Catalogue(
    strategies: Strategies.all.map(\.card), experiments: Experiments.all, migrations: MigrationPreset.all)
}
