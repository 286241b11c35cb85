/// What a strategy serves, by its options.
public struct StrategyGoals: Sendable, Equatable {
  /// With the default options.
  public let standard: StrategyGoal
  /// Each single option that changes it, as `OPTION=VALUE`.
  public let others: [(setting: String, goal: StrategyGoal)]

  public init(standard: StrategyGoal, others: [(setting: String, goal: StrategyGoal)] = []) {
    self.standard = standard
    self.others = others
  }

  public static func == (a: Self, b: Self) -> Bool {
    a.standard == b.standard && a.others.elementsEqual(b.others, by: ==)
  }

  /// As in listings: `migration; reclaim with ack=wait`.
  public var text: String {
    var settings: [StrategyGoal: [String]] = [:]
    for (setting, goal) in others { settings[goal, default: []].append(setting) }
    let exceptions = [StrategyGoal.migration, .reclaim, .none].compactMap { goal in
      settings[goal].map { "\(goal.rawValue) with \($0.joined(separator: " or "))" }
    }
    return ([standard.rawValue] + exceptions).joined(separator: "; ")
  }
}
