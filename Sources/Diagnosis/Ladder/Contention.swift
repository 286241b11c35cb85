import Instruments
import Synchronization

/// What a step costs while another CPU makes the same step on the same memory.
public enum Contention {
  /// Steps between two looks at the clock.
  private static let batch = 64
  /// How often a round is tried in which the two didn't run side by side.
  private static let tries = 20
  /// The least share of the steps that each of the two has in a round that counts.
  private static let leastShare = 0.01

  /// Rounds of about the wanted length, in which the calling thread and one on the host's other CPU step as fast as
  /// they can. Nanoseconds for each step of either: what passes between one CPU's step and the next one's, whosever it
  /// is.
  ///
  /// - Parameters:
  ///   - mine: makes so many steps, on the calling thread.
  ///   - other: the same on the other one.
  /// - Throws: ``LadderError`` if there is no other CPU, or it was never at work at the same time;
  ///   ``SystemCallError`` where the thread can't be bound to it.
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
