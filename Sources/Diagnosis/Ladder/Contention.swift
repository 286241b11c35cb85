import Instruments
import Synchronization

/// Measures a step while another CPU makes the same step on the same memory.
public enum Contention {
  /// Steps between two checks of the clock.
  private static let batch = 64
  /// How often a round is retried if the two CPUs didn't run at the same time.
  private static let tries = 20
  /// The smallest share of the steps that each CPU must have made for a round to count.
  private static let leastShare = 0.01

  /// Runs rounds of about the wanted length in which the calling thread and one on the host's other CPU step as fast as
  /// they can. The cost is the time between two successive steps of either CPU. Nanoseconds.
  ///
  /// - Parameters:
  ///   - mine: makes the given number of steps on the calling thread.
  ///   - other: the same on the other thread.
  /// - Throws: ``LadderError`` if there is no other CPU or it never ran at the same time; ``SystemCallError`` if the
  ///   thread can't be pinned.
  public static func measure(
    _ effort: LadderEffort, _ host: LadderHost, mine: (_ steps: Int) -> Void,
    other: @escaping @Sendable (_ steps: Int) -> Void
  ) throws -> RungFigure {
    let cpu = try host.otherCPU()
    let partner = try Partner(cpu: cpu) {
      other(batch)
      return batch
    }
    defer { partner.stop() }
    var costs: [Double] = []
    var steps = 0
    var shares: [Double] = []
    for _ in 0..<effort.rounds {
      for _ in 0..<tries {
        let before = partner.done
        var own = 0
        let begin = CycleClock.begin()
        var nanoseconds = 0.0
        repeat {
          mine(batch)
          own += batch
          nanoseconds = CycleClock.nanoseconds(fromTicks: CycleClock.ticks(from: begin, to: CycleClock.end()))
        } while nanoseconds < effort.roundNanoseconds
        let theirs = partner.done - before
        let share = Double(theirs) / Double(own + theirs)
        guard share >= leastShare, share <= 1 - leastShare else { continue }
        costs.append(nanoseconds / Double(own + theirs))
        shares.append(share)
        steps += own + theirs
        break
      }
    }
    guard !costs.isEmpty else {
      throw LadderError("CPU \(cpu) was at other work whenever this was tried: the two threads never ran side by side")
    }
    let percent = Int((CostRange(shares).median * 100).rounded())
    return RungFigure(
      costs: costs, operations: steps / costs.count,
      note: "a step of either; CPU \(cpu) made \(percent) % of them, CPU \(host.cpus[0]) the rest")
  }
}

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
