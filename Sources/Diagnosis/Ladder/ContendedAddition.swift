import Instruments
import Synchronization

/// A counter that two CPUs add to.
final class ContendedAddition: Sendable {
  static let primitive = Primitive("atomic-add-contended", "an atomic addition, two CPUs at once", per: "addition")

  private let counter = Atomic<UInt64>(0)

  private func add(_ steps: Int) {
    for _ in 0..<steps { counter.wrappingAdd(1, ordering: .sequentiallyConsistent) }
  }

  static func measure(_ effort: LadderEffort, _ host: LadderHost) throws -> RungFigure {
    let shared = ContendedAddition()
    return try Contention.measure(effort, host, mine: shared.add, other: { shared.add($0) })
  }
}
