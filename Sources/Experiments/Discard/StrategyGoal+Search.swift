import GuestMemory
import Hinting
import Records

extension StrategyGoal {
  /// What a strategy serves, by the schedules that lose a page of it. A schedule without reclaim is one with reclaim that
  /// makes no use of it, so that only the latter are searched.
  init(of strategy: ConfiguredStrategy) {
    do throws(GuestError) {
      let logged = try strategy.card.reports ? LossSearch.finding(strategy, .log, isUnderPressure: true) : .init()
      // Without schedules nothing was reported.
      self =
        if logged.schedules == 0 || logged.shortest != nil {
          .none
        } else if try LossSearch.finding(strategy, .discard, isUnderPressure: true).shortest != nil {
          .migration
        } else {
          .reclaim
        }
    } catch {
      preconditionFailure("no room for a guest of a few blocks: \(error)")
    }
  }

  /// What the strategy of a full name serves; options that it doesn't have are left out.
  init(ofFullName name: String) {
    let parts = name.split(separator: ":").map(String.init)
    guard let first = parts.first, let entry = try? Strategies.entry(named: first) else {
      self = .none
      return
    }
    var strategy = entry.configured(entry.standardOptions)
    for part in parts.dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2 else { continue }
      if let changed = try? strategy.with(pair[0], pair[1]) { strategy = changed }
    }
    self.init(of: strategy)
  }
}

extension StrategyGoals {
  /// What the strategy of a name serves: by default, and with each value of each option that is a choice, but for the
  /// order, which says how much is reported and not how.
  init(ofStrategyNamed name: String) {
    guard let entry = try? Strategies.entry(named: name) else {
      self.init(standard: .none)
      return
    }
    let strategy = entry.configured(entry.standardOptions)
    let standard = StrategyGoal(of: strategy)
    var others: [(setting: String, goal: StrategyGoal)] = []
    for option in entry.card.options where option.name != "order" {
      guard case .choice(let values) = option.kind else { continue }
      for value in values where value != option.defaultValue {
        guard let changed = try? strategy.with(option.name, value) else { continue }
        let goal = StrategyGoal(of: changed)
        if goal != standard { others.append(("\(option.name)=\(value)", goal)) }
      }
    }
    self.init(standard: standard, others: others)
  }
}
