import Glibc
import Instruments

/// This program once more under valgrind, to count with ``Simulation``.
public enum SimulatedSelf {
  /// Caches that no machine need have: counts are compared between machines.
  private static let caches = SimulatedCaches(like: [])

  /// Runs it with these words. The process started has to call ``answer()`` first.
  ///
  /// - Throws: `CounterError.noSimulation` or `SystemCallError`: why it can't be done, in a line.
  public static func run(_ words: [String]) throws -> Callgrind.Outcome {
    // The number by which the other process finds out that this one has ended.
    try Callgrind(caches: caches).run(words, input: Array("\(getpid())\n".utf8))
  }

  /// Whether this is such a process; from then on it ends with its parent.
  public static func answer() -> Bool {
    guard Simulation.isOn, let parent = readLine().flatMap({ Int32($0) }) else { return false }
    do { try Simulation.endWithParent(parent) } catch { fatalError("\(error)") }
    return true
  }
}

/// Instructions, and misses of the first and the last level of the caches.
public typealias SimulatedReading = (instructions: UInt64, l1dMisses: UInt64, llcMisses: UInt64)

extension Callgrind.Outcome {
  /// What was counted under `name`.
  ///
  /// - Throws: `CounterError.noSimulation` where it wasn't, or not all of it.
  public func reading(_ name: String) throws -> SimulatedReading {
    guard let reading = counts[name], let instructions = reading.instructions, let l1dMisses = reading.l1dMisses,
      let llcMisses = reading.llcMisses
    else { throw CounterError.noSimulation(reason: failure ?? "valgrind counted nothing called \(name)") }
    return (instructions, l1dMisses, llcMisses)
  }
}
