import GuestMemory
import Instruments

/// This machine's floors, measured in the same run, which results are compared with. The short ladder;
/// `calibrate` climbs the long one, by the same code.
public struct RunLimits: Encodable, Sendable {
  public var machine: MachineLimits
  /// Acquiring and releasing an uncontended zone lock, by kind. Nanoseconds.
  public var uncontendedLockNanoseconds: [String: CostRange]
  /// What the probe records of an empty hold, by the lock's kind. Nanoseconds.
  public var probeInHoldNanoseconds: [String: CostRange]

  enum CodingKeys: String, CodingKey {
    case machine
    case uncontendedLockNanoseconds = "uncontended_lock_ns"
    case probeInHoldNanoseconds = "probe_in_hold_ns"
  }

  private static let rounds = 7

  /// Some 100 ms.
  ///
  /// - Throws: ``SystemCallError`` or ``GuestError`` if the host has no memory for it.
  public static func measure() throws -> RunLimits {
    var locks: [String: CostRange] = [:]
    var probes: [String: CostRange] = [:]
    for kind in LockKind.allCases {
      let costs = try ZoneLockCosts(kind)
      locks[kind.rawValue] = costs.uncontended(rounds: rounds).cost
      probes[kind.rawValue] = try costs.probeInHold(rounds: rounds).cost
    }
    return RunLimits(
      machine: try MachineLimits.measure(), uncontendedLockNanoseconds: locks, probeInHoldNanoseconds: probes)
  }
}
