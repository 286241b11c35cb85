import Bench
import GuestMemory
import Instruments

/// The ladder's rungs for a modelled zone lock: uncontended, under the probe, and contended by another CPU.
enum ZoneLockRungs {
  static func uncontendedPrimitive(_ kind: LockKind) -> Primitive {
    Primitive("lock-uncontended", "zone lock acquired and released", per: "acquisition").with {
      $0.lock = kind.rawValue
    }
  }

  static func probePrimitive(_ kind: LockKind) -> Primitive {
    Primitive("probe-in-hold", "probe in a hold: what it records of an empty hold", per: "hold").with {
      $0.lock = kind.rawValue
    }
  }

  static func contendedPrimitive(_ kind: LockKind) -> Primitive {
    Primitive("lock-contended", "a zone lock, two CPUs at once", per: "acquisition").with { $0.lock = kind.rawValue }
  }

  /// Measures two CPUs taking the lock as fast as they can.
  ///
  /// - Throws: ``LadderError`` or ``SystemCallError`` if there aren't two CPUs.
  private static func contended(_ costs: ZoneLockCosts, _ effort: LadderEffort, _ host: LadderHost) throws -> RungFigure
  {
    try Contention.measure(
      effort, host, mine: { costs.take($0, cpu: 0) }, other: { costs.take($0, cpu: 1) })
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
      + step("a contended zone lock", contendedPrimitive) { try contended($0, effort, host) }
  }
}
