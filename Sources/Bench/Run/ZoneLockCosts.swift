import CHost
import GuestMemory
import Instruments
import Machine

/// Measures a modelled zone lock, alone and under the probe. A run's floors and `calibrate`'s ladder share this code;
/// the ladder also has two CPUs contend for the lock.
package struct ZoneLockCosts: Sendable {
  private let guest: Guest
  private var zone: Zone { guest.core.zone(0) }

  /// - Throws: ``GuestError`` if the host refuses the address space.
  package init(_ kind: LockKind) throws(GuestError) {
    var geometry = GuestGeometry.standard(bytes: 64 << 20, cpus: 2)
    geometry.lockKind = kind
    geometry.vmemmapPage = .small
    guest = try Guest(geometry)
  }

  /// Measures lock and unlock without contention, with an empty hold.
  package func uncontended(rounds: Int) -> RungFigure {
    RungFigure(rounds: rounds, operations: 20_000) { count in
      var cpu = GuestCPU(guest.core, cpu: 0, node: 0, probe: NoProbe())
      let begin = CycleClock.begin()
      Self.take(&cpu, zone, count)
      return CycleClock.ticks(from: begin, to: CycleClock.end())
    }
  }

  /// Measures the interval a ``HoldProbe`` records around an empty hold, which it adds to every hold it times. The cost
  /// of a round is its median hold.
  ///
  /// - Throws: ``SystemCallError`` if the host refuses the address space for the log.
  package func probeInHold(rounds: Int) throws(SystemCallError) -> RungFigure {
    let count = 10_000
    let log = try HoldLog(capacity: count)
    log.prefault(samples: count)
    var cpu = GuestCPU(guest.core, cpu: 0, node: 0, probe: log.probe())
    let costs = (0..<rounds).map { _ in
      log.reset()
      Self.take(&cpu, zone, count)
      return DurationStatistics(ticks: log.samples.map(\.holdTicks)).p50 ?? 0
    }
    return RungFigure(costs: costs, operations: count)
  }

  /// Locks and unlocks `count` times on a guest CPU. Only one thread may use each CPU.
  package func take(_ count: Int, cpu: Int) {
    var cpu = GuestCPU(guest.core, cpu: cpu, node: 0, probe: NoProbe())
    Self.take(&cpu, zone, count)
  }

  @inline(__always)
  private static func take<Probe: LockProbe>(
    _ cpu: inout GuestCPU<Probe, NoHooks, Linux6_1>, _ zone: Zone, _ count: Int
  ) {
    for _ in 0..<count { cpu.withZoneLocked(zone) { chost_consume(UInt64($0.items)) } }
  }
}
