import Records

/// An experiment as it was asked for.
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

  /// Options that its own text sets.
  var given: Set<String> { Set(sweep.given.map(\.option)) }

  /// Every combination of its options' values, `auto` worked out.
  ///
  /// - Parameters:
  ///   - flags: what flags set; reported back as used where it sets an option.
  ///   - group: what the group sets.
  /// - Throws: ``UserError`` for an option it doesn't have, or a value out of its range.
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
