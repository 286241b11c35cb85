import Benchmark

/// What is reported of a body.
struct BodyMetrics {
  /// Of the region; nil where the body takes its times itself.
  let time: BenchmarkMetric?
  /// The body's own times, by name.
  let times: [String: BenchmarkMetric]
  let instructions: BenchmarkMetric
  let firstLevelMisses: BenchmarkMetric
  let lastLevelMisses: BenchmarkMetric
  let allocations: BenchmarkMetric
  /// The body's own counts, by name.
  let counts: [String: BenchmarkMetric]

  /// Per so many operations, since metrics are whole numbers.
  static let operations = 1000
  /// How far instructions may be from their threshold, in percent: less than one in the 370 of a pair through pcp. They are
  /// the same in every run; this is for what surrounds the loop.
  static let tolerance = 0.2

  init(unit: String, times: [String], counts: [String]) {
    func metric(_ name: String) -> BenchmarkMetric {
      .custom(name, polarity: .prefersSmaller, useScalingFactor: false)
    }
    func metrics(_ names: [String]) -> [String: BenchmarkMetric] {
      Dictionary(uniqueKeysWithValues: names.map { ($0, metric($0)) })
    }
    // Picoseconds for the same reason.
    time = times.isEmpty ? metric("ps/\(unit)") : nil
    self.times = Dictionary(uniqueKeysWithValues: times.map { ($0, metric("\($0), ps/\(unit)")) })
    instructions = metric("instructions/\(Self.operations) \(unit)s")
    firstLevelMisses = metric("D1 misses/\(Self.operations) \(unit)s")
    lastLevelMisses = metric("LL misses/\(Self.operations) \(unit)s")
    allocations = metric("allocator calls")
    self.counts = metrics(counts)
  }

  /// The same wherever and whenever it is measured.
  var exact: [BenchmarkMetric] { [instructions, allocations] + counts.values }

  func configuration(_ mode: CountsMode) -> Benchmark.Configuration {
    var metrics = exact
    if mode != .only {
      metrics += [firstLevelMisses, lastLevelMisses] + times.values
      if let time { metrics.append(time) }
    }
    var thresholds: [BenchmarkMetric: BenchmarkThresholds] = [:]
    for metric in exact {
      thresholds[metric] =
        metric == instructions
        ? BenchmarkThresholds(relative: [.p90: Self.tolerance]) : BenchmarkThresholds(absolute: [.p90: 0])
    }
    let counted = exact + [firstLevelMisses, lastLevelMisses]
    return Benchmark.Configuration(
      metrics: metrics, units: Dictionary(uniqueKeysWithValues: counted.map { ($0, .count) }),
      warmupIterations: mode == .only ? 1 : 3, maxDuration: .seconds(2), maxIterations: mode == .only ? 1 : 2_000,
      thresholds: thresholds)
  }
}
