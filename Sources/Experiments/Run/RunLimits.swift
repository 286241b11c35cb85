import CHost
import GuestMemory
import Instruments

/// What this machine does at best, measured in the same run: what results are held against.
public struct RunLimits: Encodable, Sendable {
  public var machine: MachineLimits
  /// Taking and giving back a zone lock that nobody else wants, by kind. Nanoseconds.
  public var uncontendedLockNanoseconds: [String: CostRange]

  enum CodingKeys: String, CodingKey {
    case machine
    case uncontendedLockNanoseconds = "uncontended_lock_ns"
  }

  /// Some 100 ms.
  ///
  /// - Throws: ``SystemCallError`` or ``GuestError`` where the host has no memory for it.
  public static func measure() throws -> RunLimits {
    var locks: [String: CostRange] = [:]
    for kind in LockKind.allCases {
      var geometry = GuestGeometry.standard(bytes: 64 << 20, cpus: 1)
      geometry.lockKind = kind
      geometry.vmemmapPage = .small
      let guest = try Guest(geometry)
      locks[kind.rawValue] = uncontended(guest)
    }
    return RunLimits(machine: try MachineLimits.measure(), uncontendedLockNanoseconds: locks)
  }

  private static func uncontended(_ guest: Guest) -> CostRange {
    let rounds = 20_000
    var cpu = GuestCPU(guest.core, cpu: 0, node: 0, probe: NoProbe())
    let zone = guest.core.zone(0)
    let samples = (0..<7).map { _ in
      let begin = CycleClock.begin()
      for _ in 0..<rounds { cpu.withZoneLocked(zone) { chost_consume(UInt64($0.items)) } }
      return CycleClock.nanoseconds(fromTicks: CycleClock.end() &- begin) / Double(rounds)
    }.sorted()
    return CostRange(median: samples[3], lowest: samples[0], highest: samples[6])
  }
}
