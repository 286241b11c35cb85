import Bench
import Experiments
import Foundation
import Machine
import Records
import Reporting

/// How long earlier runs of this machine took, against what they were estimated to take.
struct EarlierRuns {
  /// The median of what they took over the estimate.
  let factor: Double
  let count: Int

  /// The newest runs that are looked at.
  private static let most = 20
  /// meta.json has whole seconds: shorter runs tell too little. Seconds.
  private static let shortest = 3.0

  /// Looks for runs of the same experiments on this machine, made by a build of the same mode; nil if there is none.
  /// Runs that can't be read or planned any more are passed over: this is an estimate.
  ///
  /// - Parameters:
  ///   - folder: with a folder for each run, named by time.
  ///   - matrix: whose experiments are meant.
  init?(in folder: String, like matrix: Matrix) {
    let names = (try? FileAccess.names(in: folder)) ?? []
    let host = HostFacts.gather()
    let experiments = Set(matrix.cells.map(\.experimentCard.name))
    var ratios: [Double] = []
    for name in names.suffix(Self.most) {
      guard let bytes = try? FileAccess.read("\(folder)/\(name)/meta.json"),
        let meta = try? JSONDecoder.standard.decode(RunMeta.self, from: Data(bytes)),
        let finished = meta.finished, meta.buildMode == host.build.mode,
        let then = try? JSONDecoder.standard.decode(HostFacts.self, from: JSONEncoder.standard.encode(meta.host)),
        then.hostname == host.hostname, then.cpuModel == host.cpuModel,
        let config = try? RunConfig(recorded: meta.config),
        config.until == nil, config.timeLimit == nil,
        let earlier = try? Matrix(config, host: matrix.host),
        Set(earlier.cells.map(\.experimentCard.name)) == experiments
      else { continue }
      let took = finished.timeIntervalSince(meta.started)
      if took >= Self.shortest { ratios.append(took * 1e9 / earlier.estimatedNanoseconds) }
    }
    guard let median = MetricSummary(ratios).median else { return nil }
    // One run that was stopped for an hour in a debugger shouldn't make every estimate an hour.
    factor = min(max(median, 0.25), 4)
    count = ratios.count
  }

  /// As in the listing.
  var text: String {
    "as \(count) earlier run\(count == 1 ? "" : "s") here took \(Figure.count(factor)) times the model's estimate"
  }
}
