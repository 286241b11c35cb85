import GuestMemory
import Instruments

/// This machine's floors, measured in the same run as the results they are compared with. This is the short ladder;
/// `calibrate` climbs the long one with the same code.
public struct RunFloors: Encodable, Sendable {
  public var machine: MachineFloors
  /// Acquiring and releasing an uncontended zone lock, by kind. Nanoseconds.
  public var uncontendedLockNanoseconds: [String: CostRange]
  /// The hold that the probe records around nothing, by the lock's kind. Nanoseconds.
  public var probeInHoldNanoseconds: [String: CostRange]

  enum CodingKeys: String, CodingKey {
    case machine
    case uncontendedLockNanoseconds = "uncontended_lock_ns"
    case probeInHoldNanoseconds = "probe_in_hold_ns"
  }

  private static let rounds = 7

  /// Measures the floors, in about 100 ms.
  ///
  /// - Throws: ``SystemCallError`` or ``GuestError`` if the host runs out of memory.
  public static func measure() throws -> RunFloors {
    var locks: [String: CostRange] = [:]
    var probes: [String: CostRange] = [:]
    for kind in LockKind.allCases {
      let costs = try ZoneLockCosts(kind)
      locks[kind.rawValue] = costs.uncontended(rounds: rounds).cost
      probes[kind.rawValue] = try costs.probeInHold(rounds: rounds).cost
    }
    return RunFloors(
      machine: try MachineFloors.measure(), uncontendedLockNanoseconds: locks, probeInHoldNanoseconds: probes)
  }
}
