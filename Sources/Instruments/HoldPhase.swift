/// What a hold was for.
public enum HoldPhase: UInt16, CaseIterable, Codable, Sendable {
  /// A strategy finding or taking blocks.
  case collect = 0
  /// A strategy giving blocks back.
  case `return` = 1
  /// A bystander allocating or freeing.
  case mutator = 2

  /// The word for it in `lock_holds.csv`.
  public var name: String {
    switch self {
    case .collect: "collect"
    case .return: "return"
    case .mutator: "mutator"
    }
  }
}
