import Bench
import GuestMemory
import Records

/// The settings of reporting that `advise` compares: order x delay x capacity, by the virtual clock.
public enum ReportingGrid {
  /// What was merged over what its parameters and later proposals allow, and the designs before it at their own delays.
  public static let strategies = [
    "page-reporting:order=0/4/9/10:delay=100/500/2000:capacity=32/512",
    "page-reporting-boundary:order=9/10:delay=100/1000", "bitmap-hinting:order=9/10",
  ]

  /// Options of `steady-state` unless the load's own text sets them. One mutator, so that it is the user's CPU whose time
  /// is shared out.
  private static let options = [("clock", "virtual"), ("window", "60s"), ("mutators", "1")]

  /// The configuration for some loads.
  ///
  /// - Parameters:
  ///   - loads: each `LOAD[:OPTION=VALUE[/VALUE]...]` with options of `steady-state`.
  ///   - guest: the guest's size.
  ///   - kernels: whose rules it follows; empty: the standard one.
  ///   - strategies: the settings compared; nil: ``strategies``.
  /// - Throws: ``UserError`` for a load without users, or options that are malformed or that it sets itself.
  public static func config(
    loads: [String], guest: String, kernels: [String] = [], strategies: [String]? = nil
  ) throws(UserError) -> RunConfig {
    var group = RunConfig.Group()
    group.guests = [guest]
    group.states = ["fresh"]
    group.kernels = kernels
    group.strategies = strategies ?? Self.strategies
    var config = RunConfig()
    config.groups = [group]
    config.repetitions = 1
    config.counters = "off"
    var experiments: [String] = []
    for load in loads { experiments.append(try experiment(load)) }
    config.experiments = experiments
    return config
  }

  private static func experiment(_ text: String) throws(UserError) -> String {
    let names = MutatorLoad.names(courses: true)
    let sweep: OptionSweep
    do { sweep = try OptionSweep(text, kind: "load") } catch { throw .usage("\(error)") }
    guard let load = MutatorLoad(rawValue: sweep.name), load != .none else {
      throw .usage("unknown load '\(sweep.name)': expected one of \(names.joined(separator: ", "))")
    }
    if let own = sweep.given.first(where: { ["load", "clock"].contains($0.option) }) {
      throw .usage("option '\(own.option)' of load '\(text)': advise sets it")
    }
    var options = [("load", load.rawValue)]
    for standard in Self.options + [("mutator-rate", "\(load.usualRate)")]
    where !sweep.given.contains(where: { $0.option == standard.0 }) {
      options.append(standard)
    }
    options += sweep.given.map { ($0.option, $0.values.joined(separator: "/")) }
    return ([SteadyStateExperiment.card.name] + options.map { "\($0)=\($1)" }).joined(separator: ":")
  }
}

extension MutatorLoad {
  /// Operations a second of one user that is busy: a process that fills single pages with zeros and then with data gets
  /// a GiB a second at best, one that computes in between a fraction of it; a page cache grows as fast as a disk of 200
  /// MB/s; huge pages come 512 at a time.
  fileprivate var usualRate: Int {
    switch self {
    case .cycles, .faults: 250_000
    case .none, .order0, .mixed, .compile, .bursts, .build: 100_000
    case .cache: 50_000
    case .thp: 500
    }
  }
}
