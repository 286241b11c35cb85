import ArgumentParser

/// Experiment options that are also flags of `run`, for one release. A flag sets the option of its name in every chosen
/// experiment that lists it among its flags; the experiment checks the value.
struct ExperimentFlags: ParsableArguments {
  // `.unconditional` so that a value with a minus sign is rejected as a number, not as a flag.
  @Option(help: ArgumentHelp("load=", valueName: "load,...")) var load: String?
  @Option(parsing: .unconditional, help: ArgumentHelp("mutators=", valueName: "n")) var mutators: String?
  @Option(parsing: .unconditional, help: ArgumentHelp("host-ack-ns=", valueName: "ns,...")) var hostAckNs: String?
  @Option(help: ArgumentHelp("page-init=", valueName: "when")) var pageInit: String?
  @Option(help: ArgumentHelp("cache=", valueName: "state")) var cache: String?
  @Option(help: ArgumentHelp("placement=", valueName: "where")) var placement: String?
  @Option(help: ArgumentHelp("scanners=", valueName: "how-many")) var scanners: String?
  @Option(parsing: .unconditional, help: ArgumentHelp("window=", valueName: "time")) var window: String?
  @Option(help: ArgumentHelp("clock=", valueName: "clock")) var clock: String?
  @Option(parsing: .unconditional, help: ArgumentHelp("mutator-rate=", valueName: "rate")) var mutatorRate: String?
  @Option(parsing: .unconditional, help: ArgumentHelp("bandwidth=", valueName: "size,...")) var bandwidth: String?
  @Option(parsing: .unconditional, help: ArgumentHelp("downtime-limit=", valueName: "time,...")) var downtimeLimit:
    String?
  @Option(parsing: .unconditional, help: ArgumentHelp("exit-ns=", valueName: "ns,...")) var exitNs: String?

  /// The given flags, by option name.
  var values: [String: [String]] {
    let given: [String: String?] = [
      "load": load, "mutators": mutators, "host-ack-ns": hostAckNs, "page-init": pageInit, "cache": cache,
      "placement": placement, "scanners": scanners, "window": window, "clock": clock, "mutator-rate": mutatorRate,
      "bandwidth": bandwidth, "downtime-limit": downtimeLimit, "exit-ns": exitNs,
    ]
    return given.compactMapValues { $0?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
  }
}
