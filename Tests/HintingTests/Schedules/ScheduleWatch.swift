@testable import GuestMemory
@testable import Hinting

/// What one strategy promises beyond what all do, looked at in every interleaving.
///
/// What a watch remembers of a run is part of the run's position: it is hashed with the rest, so that two positions
/// count as one only where the watch would judge alike from there on.
protocol ScheduleWatch: AnyObject {
  /// A run begins: the guest and the strategy are as at the start.
  func begin()
  /// The strategy is about to take the lock; what it reads without one it has read just before.
  func willAcquire()
  func didAcquire()
  /// What is wrong with the hold that has just ended.
  func didRelease(items: Int) -> [String]
  func didReport(_ blocks: [Block]) -> [String]
  func didSend(_ blocks: [Block]) -> [String]
  /// Another CPU has run a section; what they have in use now.
  func didStep(_ held: [Block])
  func didEnd(_ outcome: Outcome, restarts: Int) -> [String]
  /// What is wrong with the state, nobody holding the lock.
  func faults() -> [String]
  func hash(into hasher: inout Hasher)
  /// How often, over all runs, there was anything to judge: a watch that saw nothing proves nothing.
  var sightings: Int { get }
}

extension ScheduleWatch {
  func begin() {}
  func willAcquire() {}
  func didAcquire() {}
  func didRelease(items: Int) -> [String] { [] }
  func didReport(_ blocks: [Block]) -> [String] { [] }
  func didSend(_ blocks: [Block]) -> [String] { [] }
  func didStep(_ held: [Block]) {}
  func didEnd(_ outcome: Outcome, restarts: Int) -> [String] { [] }
  func faults() -> [String] { [] }
  func hash(into hasher: inout Hasher) {}
}
