import Benchmark
import CHost
import Fixtures
import GuestMemory
import Instruments

/// A zone lock taken and given back with nobody else about and nothing done under it: both kinds of lock, unwatched and
/// under the probe that times each hold. Picoseconds a hold.
let benchmarks: @Sendable () -> Void = {
  GuestFixture.refuseDebugBuild()
  for kind in LockKind.allCases {
    let plain = Locks(kind)
    benchmark("\(kind.rawValue), no probe") { plain.unwatched() }
    benchmark("\(kind.rawValue), timed") { plain.timed() }
  }
}

let perHold = BenchmarkMetric.custom("ps/hold", polarity: .prefersSmaller, useScalingFactor: false)

func benchmark(_ name: String, _ body: @escaping () -> Double) {
  Benchmark(
    name, configuration: .init(metrics: [perHold], warmupIterations: 3, maxDuration: .seconds(2), maxIterations: 2_000)
  ) { benchmark in
    benchmark.measurement(perHold, Int((body() * 1000).rounded()))
  }
}

/// `@unchecked Sendable`: benchmarks run one after another on one thread.
final class Locks: @unchecked Sendable {
  private static let holds = 10_000

  private let guest: Guest
  private let zone: Zone
  private let log: HoldLog
  private var plain: GuestCPU<NoProbe, NoHooks>
  private var probed: GuestCPU<HoldProbe, NoHooks>

  init(_ kind: LockKind) {
    guest = GuestFixture.fresh(bytes: GuestFixture.gibibyte, lock: kind)
    zone = GuestFixture.largestZone(guest)
    do { log = try HoldLog(capacity: Self.holds) } catch { fatalError("\(error)") }
    log.prefault(samples: Self.holds)
    plain = GuestFixture.cpu(guest)
    probed = GuestCPU(guest.core, cpu: 0, node: 0, probe: log.probe())
  }

  @inline(never)
  func unwatched() -> Double { Self.measure(&plain, zone) }

  @inline(never)
  func timed() -> Double {
    log.reset()
    return Self.measure(&probed, zone)
  }

  /// Nanoseconds a hold.
  @inline(__always)
  private static func measure<Probe: LockProbe>(_ cpu: inout GuestCPU<Probe, NoHooks>, _ zone: Zone) -> Double {
    let begin = CycleClock.begin()
    for _ in 0..<holds {
      cpu.withZoneLocked(zone) { hold in
        hold.items &+= 1
        chost_consume(UInt64(hold.items))
      }
    }
    return CycleClock.nanoseconds(fromTicks: CycleClock.end() &- begin) / Double(holds)
  }
}
