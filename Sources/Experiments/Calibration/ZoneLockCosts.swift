import CHost
import GuestMemory
import Instruments
import Machine

/// What a modelled zone's lock costs: alone, under the probe, and against another CPU. One piece of code, for a run's
/// limits and for the ladder.
struct ZoneLockCosts {
  static func uncontendedPrimitive(_ kind: LockKind) -> Primitive {
    Primitive("lock-uncontended", "a zone lock taken and given back", per: "acquisition").with {
      $0.lock = kind.rawValue
    }
  }

  static func probePrimitive(_ kind: LockKind) -> Primitive {
    Primitive("probe-in-hold", "probe in a hold: what it records of an empty one", per: "hold").with {
      $0.lock = kind.rawValue
    }
  }

  static func contendedPrimitive(_ kind: LockKind) -> Primitive {
    Primitive("lock-contended", "a zone lock, two CPUs at once", per: "acquisition").with { $0.lock = kind.rawValue }
  }

  private let guest: Guest
  private var zone: Zone { guest.core.zone(0) }

  /// - Throws: ``GuestError`` where the host has no address space.
  init(_ kind: LockKind) throws(GuestError) {
    var geometry = GuestGeometry.standard(bytes: 64 << 20, cpus: 2)
    geometry.lockKind = kind
    geometry.vmemmapPage = .small
    guest = try Guest(geometry)
  }

  /// Nobody else wants it, and nothing is done under it.
  func uncontended(rounds: Int) -> RungFigure {
    RungFigure(rounds: rounds, operations: 20_000) { count in
      var cpu = GuestCPU(guest.core, cpu: 0, node: 0, probe: NoProbe())
      let begin = CycleClock.begin()
      Self.take(&cpu, zone, count)
      return CycleClock.ticks(from: begin, to: CycleClock.end())
    }
  }

  /// The interval that a ``HoldProbe`` records around an empty hold: what it adds to every hold it times. Of a round's
  /// holds half are at most that long.
  ///
  /// - Throws: ``SystemCallError`` where the host has no address space for the log.
  func probeInHold(rounds: Int) throws(SystemCallError) -> RungFigure {
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

  /// Two CPUs take it as fast as they can.
  ///
  /// - Throws: ``LadderError`` or ``SystemCallError`` where there aren't two.
  func contended(_ effort: LadderEffort, _ host: LadderHost) throws -> RungFigure {
    let guest = guest
    @Sendable func take(_ cpu: Int, _ count: Int) {
      var cpu = GuestCPU(guest.core, cpu: cpu, node: 0, probe: NoProbe())
      Self.take(&cpu, guest.core.zone(0), count)
    }
    return try Contention.measure(effort, host, mine: { take(0, $0) }, other: { take(1, $0) })
  }

  @inline(__always)
  private static func take<Probe: LockProbe>(_ cpu: inout GuestCPU<Probe, NoHooks>, _ zone: Zone, _ count: Int) {
    for _ in 0..<count { cpu.withZoneLocked(zone) { chost_consume(UInt64($0.items)) } }
  }

  /// Steps of the ladder for every kind of lock.
  static func steps(_ effort: LadderEffort, _ host: LadderHost) -> [LadderStep] {
    func step(
      _ label: String, _ primitive: (LockKind) -> Primitive, _ measure: @escaping (ZoneLockCosts) throws -> RungFigure
    ) -> [LadderStep] {
      LockKind.allCases.map { kind in
        LadderStep(label, [primitive(kind)]) { [.measured(try measure(ZoneLockCosts(kind)))] }
      }
    }
    return step("the probe", probePrimitive) { try $0.probeInHold(rounds: effort.rounds) }
      + step("a zone lock", uncontendedPrimitive) { $0.uncontended(rounds: effort.rounds) }
      + step("a contended zone lock", contendedPrimitive) { try $0.contended(effort, host) }
  }
}
