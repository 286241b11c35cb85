import Bench
import Hinting
import Records

/// Every experiment there is. Adding one is its files and a line here.
public enum Experiments {
  public static let list = ExperimentList([
    ScanExperiment.self,
    InterferenceExperiment.self,
    SteadyStateExperiment.self,
    ContiguousExperiment.self,
    MigrationExperiment.self,
    DeliveryExperiment.self,
    PageStatesExperiment.self,
    BallooningExperiment.self,
  ])

  /// What each is, in the order of the list.
  public static var all: [ExperimentCard] { list.cards }
}

extension Catalogue {
  /// Every strategy, experiment and published migration of this program.
  public static let all = Catalogue(
    strategies: Strategies.all.map(\.card), experiments: Experiments.all, migrations: MigrationPreset.all)
}

// The bench of this program, which has every experiment.

extension Matrix {
  /// Expands and checks a configuration of any experiments against this machine.
  ///
  /// - Throws: ``UserError`` as ``init(_:host:experiments:)``.
  public init(_ config: RunConfig, host: HostLimits) throws(UserError) {
    try self.init(config, host: host, experiments: Experiments.list)
  }
}

extension RunConfig {
  /// What `hintbench run EXPERIMENT ...` measures if nothing else is said, by default a scan.
  ///
  /// - Throws: ``UserError`` for an unknown experiment or a malformed option.
  public static func standard(_ experiments: [String]? = nil, quick: Bool = false) throws(UserError) -> RunConfig {
    try standard(experiments, quick: quick, of: Experiments.list)
  }

  /// The chosen experiments.
  ///
  /// - Throws: ``UserError`` for an unknown one or a malformed option.
  public var experimentCards: [ExperimentCard] {
    get throws(UserError) { try experimentCards(of: Experiments.list) }
  }
}
