@testable import GuestMemory
@testable import Hinting

extension ScheduleCase {
  /// Explores the case's strategy beside `scripts`, under the rules of the guest's kernel.
  func scheduled<Result>(
    _ scripts: [[Section]], on guest: Guest, _ body: (any Explorable) throws -> Result
  ) throws -> Result {
    func open<S: StrategyPasses, Rules: KernelRules>(_ type: S.Type, _ rules: Rules.Type) throws -> Result {
      let bench = try Bench(type, guest, options, lowestOrder: lowestOrder)
      return try body(
        Scheduler(
          bench, scripts, hooks: bench.hooks, rules: rules, looksUnlocked: looksUnlocked, watches: watches(bench),
          begin: Self.request))
    }
    return try open(Strategies.entry(named: strategy).configured(options).type, guest.geometry.kernel.rules)
  }

  /// v5 asks from 32 blocks on; a small guest is asked for by hand.
  private static func request<S: StrategyPasses>(_ bench: Bench<S>) {
    guard let bench = bench as? Bench<PageReportingBoundary> else { return }
    for zone in bench.guest.core.zones where !bench.hooks.has(PageReportingBoundary.Hooks.requested, zone) {
      bench.hooks.request(zone)
    }
  }

  private func watches<S: StrategyPasses>(_ bench: Bench<S>) -> [any ScheduleWatch] {
    let capacity = options["capacity"].flatMap { Int($0) } ?? 0
    let restarts = options["restarts"].flatMap { Int($0) } ?? 64
    switch bench {
    case let bench as Bench<BudgetedResume>:
      let budget = options["budget"].flatMap { Int($0) } ?? 1000
      return [ResumeWatch(bench.guest, lowestOrder: lowestOrder, perHold: budget, restartsPerList: restarts)]
    case let bench as Bench<StepIterator>:
      return [ResumeWatch(bench.guest, lowestOrder: lowestOrder, perHold: 1, restartsPerList: restarts)]
    case let bench as Bench<PageReporting>: return [ReportedWatch(bench.guest, capacity: capacity)]
    case let bench as Bench<BoundedPageReporting>: return [ReportedWatch(bench.guest, capacity: capacity)]
    case let bench as Bench<KeepingPageReporting>:
      return [ReportedWatch(bench.guest, capacity: capacity, keepsParts: true)]
    case let bench as Bench<NoticingPageReporting>:
      return [ReportedWatch(bench.guest, capacity: capacity), NoticeWatch(bench)]
    case let bench as Bench<PageReportingBoundary>:
      return [ReportedWatch(bench.guest, capacity: capacity), BoundaryWatch(bench)]
    case let bench as Bench<BitmapHinting>:
      return [BitmapWatch(bench, capacity: capacity, losesNothing: options["clear"] == "locked" && shape == .large)]
    case let bench as Bench<BlockMapHints>:
      return [BlockMapWatch(bench.guest, bench.hooks.map, capacity: nil)]
    case let bench as Bench<BlockMapReporting>:
      return [BlockMapWatch(bench.guest, bench.hooks.map, capacity: capacity)]
    default: return []
    }
  }
}

/// A scheduler of whatever strategy.
protocol Explorable {
  func explore(prunes: Bool, mostRuns: Int) -> ScheduleReport
  func explore(seed: UInt64, runs: Int) -> ScheduleReport
  var watches: [any ScheduleWatch] { get }
}

extension Scheduler: Explorable {}
