import Records
import Testing

@testable import GuestMemory
@testable import Hinting

/// Every strategy there is, on random guests in which nothing else runs.
@Suite struct StrategyConformanceTests {
  @Test(arguments: Strategies.all.map(\.card.name))
  func keepsTheRules(strategy name: String) throws {
    let entry = try Strategies.entry(named: name)
    for seed in ConformanceSeeds.each() {
      var random = try RandomGuest(seed: seed, stream: FNV.hash(name))
      var given: [String: String] = [:]
      // Default options, then random ones.
      for round in 0..<(entry.card.options.isEmpty ? 1 : 2) {
        if round > 0 { given = entry.card.randomOptions(&random.draws) }
        let configured = try entry.configured(given)
        let highest = random.guest.core.highestOrder
        let wanted = [0, highest, min(9, highest), random.draws.below(highest + 1)][random.draws.below(4)]
        let check = ConformanceCheck(
          entry: entry, configured: configured, guest: random.guest,
          lowestOrder: configured.order(wanted: wanted, highest: highest),
          cpu: random.draws.below(random.guest.core.cpuCount), stopDraw: random.draws.next())
        let violations = try check.violations()
        #expect(
          violations.isEmpty,
          "HINTBENCH_SEED=\(seed) \(configured.fullName), order \(check.lowestOrder), CPU \(check.cpu), \(random.description)"
        )
        if !violations.isEmpty { return }
      }
    }
  }
}

enum FNV {
  /// FNV-1a of the name: a stream of its own for each strategy.
  static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}

extension StrategyCard {
  /// A value for some of the options, from the whole range of each, small values more often than large ones.
  func randomOptions(_ generator: inout SeededGenerator) -> [String: String] {
    var values: [String: String] = [:]
    for option in options where generator.chance(0.8) {
      switch option.kind {
      // They keep their defaults.
      case .count, .size, .time: continue
      case .choice(let choices): values[option.name] = choices[generator.below(choices.count)]
      case .integer(let range):
        let most = min(range.count - 1, 1 << 16)
        let bits = generator.below(64 - most.leadingZeroBitCount + 1)
        let offset = generator.chance(0.05) && range.count <= 1 << 20 ? range.count - 1 : generator.below(1 << bits)
        values[option.name] = String(range.lowerBound + min(offset, range.count - 1))
      }
    }
    return values
  }
}
