import CHost
import Fixtures
import GuestMemory
import Harness
import Instruments

/// A zone lock taken and given back with nobody else about and nothing done under it: both kinds of lock, unwatched and
/// under the probe that times each hold.
let benchmarks: @Sendable () -> Void = {
  for kind in LockKind.allCases {
    benchmark("\(kind.rawValue)-no-probe", per: "hold") { Locks.of(kind).unwatched($0) }
    benchmark("\(kind.rawValue)-timed", per: "hold") { Locks.of(kind).timed($0) }
  }
}

final class Locks {
  private static let holds = 10_000

  private let guest: Guest
  private let zone: Zone
  private let log: HoldLog
  private var plain: GuestCPU<NoProbe, NoHooks, Linux6_1>
  private var probed: GuestCPU<HoldProbe, NoHooks, Linux6_1>

  // Benchmarks run one after another on one thread.
  nonisolated(unsafe) private static var current: (kind: LockKind, locks: Locks)?

  static func of(_ kind: LockKind) -> Locks {
    if let current, current.kind == kind { return current.locks }
    let locks = Locks(kind)
    current = (kind, locks)
    return locks
  }

  private init(_ kind: LockKind) {
    guest = GuestFixture.fresh(bytes: GuestFixture.gibibyte, lock: kind)
    zone = GuestFixture.largestZone(guest)
    do { log = try HoldLog(capacity: Self.holds) } catch { fatalError("\(error)") }
    log.prefault(samples: Self.holds)
    plain = GuestFixture.cpu(guest)
    probed = GuestCPU(guest.core, cpu: 0, node: 0, probe: log.probe())
  }

  @inline(never)
  func unwatched(_ region: Region) -> Done { Self.measure(&plain, zone, region) }

  @inline(never)
  func timed(_ region: Region) -> Done {
    log.reset()
    return Self.measure(&probed, zone, region)
  }

  @inline(__always)
  private static func measure<Probe: LockProbe>(
    _ cpu: inout GuestCPU<Probe, NoHooks, Linux6_1>, _ zone: Zone, _ region: Region
  ) -> Done {
    region.around {
      for _ in 0..<holds {
        cpu.withZoneLocked(zone) { hold in
          hold.items &+= 1
          chost_consume(UInt64(hold.items))
        }
      }
    }
    return Done(holds)
  }
}
