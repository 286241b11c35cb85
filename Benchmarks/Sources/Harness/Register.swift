import Benchmark
import Fixtures

/// Declares one body of a target: a benchmark that reports its time, its instructions and cache misses by simulation, its
/// calls of the allocator, and what the body counts itself.
///
/// - Parameters:
///   - name: letters, digits and hyphens. package-benchmark stores thresholds under a name whose blanks it has replaced,
///     and looks them up under one whose blanks it hasn't.
///   - unit: what an operation is, in the singular.
///   - times: names of the times that the body takes itself (``Done/nanoseconds``); where there are any the region's
///     isn't reported.
///   - counts: names of what it counts itself (``Done/counts``).
///   - isCounted: whether it is simulated; not where that would take minutes.
///   - run: does it once. What is measured lies inside the region, so that a body may restore its guest before.
public func benchmark(
  _ name: String, per unit: String, times: [String] = [], counts: [String] = [], isCounted: Bool = true,
  run: @escaping (Region) -> Done
) {
  precondition(name.wholeMatch(of: /[A-Za-z0-9-]+/) != nil, "a benchmark called '\(name)'")
  GuestFixture.refuseDebugBuild()
  let body = Body(name: name, unit: unit, run: run)
  SimulatedCount.answer(body)
  let mode = CountsMode.current
  if mode == .only && !isCounted { return }
  let metrics = BodyMetrics(unit: unit, times: times, counts: counts)
  let measured = MeasuredBody(body, metrics)
  // What is said while a benchmark runs is lost with --no-progress; its set-up isn't.
  Benchmark(
    name, configuration: metrics.configuration(mode), closure: { measured.measure($0) },
    setup: { if isCounted && mode != .none { measured.count(orFail: mode == .only) } })
}
