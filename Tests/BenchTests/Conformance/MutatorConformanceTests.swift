import Testing

@testable import Bench
@testable import GuestMemory
@testable import Hinting

/// Every strategy there is, while one or two threads allocate and free. One at a time: the threads spin.
@Suite(.serialized, .timeLimit(.minutes(5))) struct MutatorConformanceTests {
  static let cases = Strategies.all.map(\.card.name).flatMap { name in
    [MutatorLoad.order0, .thp, .mixed].map { (name, $0) }
  }

  @Test(arguments: cases)
  func keepsTheRulesUnderLoad(strategy name: String, _ load: MutatorLoad) throws {
    let entry = try Strategies.entry(named: name)
    for seed in ConformanceSeeds.each(share: 12 * MutatorLoad.allCases.count) {
      var random = try RandomGuest(seed: seed, stream: FNV.hash(name + load.rawValue), leastCPUs: 3, small: true)
      let given = random.draws.chance(0.5) ? [:] : entry.card.randomOptions(&random.draws)
      let configured = try entry.configured(given)
      let highest = random.guest.core.highestOrder
      let wanted = random.draws.chance(0.5) ? highest : random.draws.below(highest + 1)
      let check = MutatorCheck(
        configured: configured, guest: random.guest, lowestOrder: configured.order(wanted: wanted, highest: highest),
        load: load, mutators: 1 + random.draws.below(2), sessions: 3, seed: seed)
      let violations = try check.violations()
      #expect(
        violations.isEmpty,
        "HINTBENCH_SEED=\(seed) \(configured.fullName), order \(check.lowestOrder), \(check.mutators) mutators, \(random.description)"
      )
      if !violations.isEmpty { return }
    }
  }

  @Test(arguments: [("frees-at-once", Violation.Rule.notHeld), ("keeps-one", .brokenAfterwards), ("none", nil)])
  func faultsUnderLoadAreCaught(_ fault: String, _ rule: Violation.Rule?) throws {
    let guest = try Guest(.standard(bytes: 128 << 20, cpus: 4))
    guest.fillFresh()
    let found = try MutatorCheck(
      configured: StrategyEntry(FaultyTaker.self).configured(["fault": fault]), guest: guest, lowestOrder: 10,
      load: .mixed, mutators: 1, sessions: 2, seed: 1
    ).violations()
    if let rule {
      #expect(found.contains { $0.rule == rule }, "\(fault): found \(found)")
    } else {
      #expect(found.isEmpty)
    }
  }
}
