/// What programs share, small enough to be one element of a set.
protocol ModelMemory: Hashable {
  /// What is wrong already; found by steps.
  var violations: [String] { get }
  /// What somebody outside the programs, the host, could make of it.
  var outside: [Self] { get }
  /// What is wrong with it between two steps.
  func faults() -> [String]
  /// What is wrong with it when all programs have ended.
  func faultsAtEnd() -> [String]
}
