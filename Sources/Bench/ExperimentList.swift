import Records

/// The experiments of a program, looked up by name.
public struct ExperimentList: Sendable {
  package let types: [any Experiment.Type]

  package init(_ types: [any Experiment.Type]) { self.types = types }

  /// The cards of the experiments, in the list's order.
  public var cards: [ExperimentCard] { types.map { $0.card } }

  /// The default experiments.
  var standard: [String] { cards.prefix(1).map(\.name) }

  /// Returns the experiment of this name.
  ///
  /// - Throws: ``UserError`` if there is no such experiment.
  func named(_ name: String) throws(UserError) -> any Experiment.Type {
    guard let experiment = types.first(where: { $0.card.name == name }) else {
      throw .usage("unknown experiment '\(name)': expected one of \(cards.map(\.name).joined(separator: ", "))")
    }
    return experiment
  }

  /// Parses the chosen experiments with their options; nil chooses the default ones.
  ///
  /// - Throws: ``UserError`` for an unknown experiment or a malformed option.
  func chosen(_ texts: [String]?) throws(UserError) -> [ChosenExperiment] {
    var chosen: [ChosenExperiment] = []
    for text in texts ?? standard {
      do { chosen.append(try ChosenExperiment(text, of: self)) } catch {
        throw error as? UserError ?? .usage("\(error)")
      }
    }
    return chosen
  }
}
