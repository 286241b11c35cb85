import Bench
import Records

/// A published setup that `run --preset` reproduces.
public struct Preset: Sendable {
  public let name: String
  /// The experiment it is for.
  public let experiment: String
  /// The matrix with the published conditions.
  public let config: RunConfig
  /// The options that it sets and no flag may change.
  public let fixed: Set<String>
  /// What it sets, for messages.
  public let sets: String

  public static let all =
    MigrationPreset.all.map {
      Preset(
        name: $0.name, experiment: MigrationExperiment.card.name, config: MigrationPreset.config($0),
        fixed: ["bandwidth", "downtime-limit", "load"], sets: "guest, load, bandwidth and downtime limit")
    }
    + ReportingPreset.all.map {
      Preset(
        name: $0.name, experiment: SteadyStateExperiment.card.name, config: ReportingPreset.config($0),
        fixed: ["clock", "load", "mutators"], sets: "guest, clock, load and mutators")
    }

  /// Returns the preset of this name.
  ///
  /// - Throws: ``UserError`` if there is none.
  public static func named(_ name: String) throws(UserError) -> Preset {
    guard let preset = all.first(where: { $0.name == name }) else {
      throw .usage("unknown preset '\(name)': expected one of \(all.map(\.name).joined(separator: ", "))")
    }
    return preset
  }
}
