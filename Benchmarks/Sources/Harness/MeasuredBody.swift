import Benchmark
import Fixtures
import Instruments

/// A body with its metrics, and what one simulation counted, which every iteration reports anew.
final class MeasuredBody {
  private let body: Body
  private let metrics: BodyMetrics
  private var counted: SimulatedReading?

  init(_ body: Body, _ metrics: BodyMetrics) {
    self.body = body
    self.metrics = metrics
  }

  /// Counts, and says so in a line, since the table shows three digits of large numbers. Where it can't be done this says why, and
  /// ends the program if asked to.
  func count(orFail: Bool) {
    do {
      let operations = body.run(.unwatched).operations
      let counted = try SimulatedCount.of(body.name)
      func each(_ count: UInt64) -> String { (Double(count) / Double(operations)).text(4) }
      print(
        "\(body.name): \(each(counted.instructions)) instructions, \(each(counted.l1dMisses)) D1 misses,",
        "\(each(counted.llcMisses)) LL misses a \(body.unit)")
      self.counted = counted
    } catch {
      let line = "\(body.name): no counts: \(error)"
      if orFail { Complaint.end(line) }
      Complaint.say(line)
    }
  }

  /// One run, reported.
  func measure(_ benchmark: Benchmark) {
    let meter = RegionMeter()
    let done = body.run(meter.region)
    func picoseconds(_ nanoseconds: Double) -> Int { Int((nanoseconds * 1000 / Double(done.operations)).rounded()) }
    func scaled(_ count: UInt64) -> Int {
      Int((Double(count) * Double(BodyMetrics.operations) / Double(done.operations)).rounded())
    }
    if let time = metrics.time {
      benchmark.measurement(time, picoseconds(CycleClock.nanoseconds(fromTicks: meter.ticks)))
    }
    for (name, metric) in metrics.times {
      guard let nanoseconds = done.nanoseconds[name] else { return benchmark.error("no time called \(name)") }
      benchmark.measurement(metric, picoseconds(nanoseconds))
    }
    for (name, metric) in metrics.counts {
      guard let count = done.counts[name] else { return benchmark.error("no count called \(name)") }
      benchmark.measurement(metric, count)
    }
    benchmark.measurement(metrics.allocations, Int(meter.allocatorCalls))
    if let counted {
      benchmark.measurement(metrics.instructions, scaled(counted.instructions))
      benchmark.measurement(metrics.firstLevelMisses, scaled(counted.l1dMisses))
      benchmark.measurement(metrics.lastLevelMisses, scaled(counted.llcMisses))
    }
  }
}
