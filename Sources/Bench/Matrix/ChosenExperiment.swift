import Records

/// An experiment as given on the command line.
struct ChosenExperiment {
  let experiment: any Experiment.Type
  private let sweep: OptionSweep

  var card: ExperimentCard { experiment.card }
  var name: String { experiment.card.name }

  /// - Throws: ``UserError`` for an unknown experiment, and ``OptionError`` for a malformed option.
  init(_ text: String, of experiments: ExperimentList) throws {
    sweep = try OptionSweep(text, kind: "experiment")
    experiment = try experiments.named(sweep.name)
  }

  /// The options that the experiment's own text sets.
  var given: Set<String> { Set(sweep.given.map(\.option)) }

  /// Returns every combination of the options' values, with `auto` resolved.
  ///
  /// - Parameters:
  ///   - flags: values set by flags; the names of those used are returned.
  ///   - group: values set by the group.
  /// - Throws: ``UserError`` for an unknown option or a value out of range.
  func combinations(
    flags: [String: [String]], group: RunConfig.Group, hostCPUs: Int
  ) throws(UserError) -> (values: [OptionValues], used: Set<String>) {
    let found: (values: [OptionValues], used: Set<String>)
    do {
      let own = flags.filter { card.flags.contains($0.key) }
      found = try sweep.combinations(of: card.options, owner: card.owner, shared: [own, group.experimentOptions])
    } catch { throw .usage("\(error)") }
    let worked = found.values.map { values in
      var values = values
      if values["mutators"] == "auto" {
        values["mutators"] = "\(experiment.mutators(values, nodes: group.nodes, hostCPUs: hostCPUs))"
      }
      return values
    }
    return (worked, found.used)
  }
}
