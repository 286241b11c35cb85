import GuestMemory
import Instruments

/// A clock that jumps from event to event on the calling thread: mutators act at a set rate, waits cost nothing, and
/// the code's own run time isn't included. The same seed gives the same run on every machine.
package final class VirtualTimeline: Timeline {
  private let mutators: [AnyMutator]
  /// The time of each mutator's next operation. Nanoseconds.
  private var next: [Double]
  private let nanosecondsPerOperation: Double
  package private(set) var now: UInt64 = 0

  /// Creates a timeline. `rate`: operations per second of each mutator.
  package init(_ mutators: [AnyMutator], rate: Double) {
    precondition(rate > 0, "a rate of \(rate)")
    self.mutators = mutators
    let step = 1e9 / rate
    nanosecondsPerOperation = step
    // Spread, so that they don't all act at the same time.
    next = mutators.indices.map { Double($0) * step / Double(mutators.count) }
  }

  package func start() { now = 0 }

  package func advance(to time: UInt64) {
    while let index = next.indices.min(by: { next[$0] < next[$1] }), next[index] <= Double(time) {
      now = max(now, UInt64(next[index]))
      let before = mutators[index].operations
      mutators[index].burst()
      // A burst in which every operation was refused takes time, too.
      next[index] += Double(max(mutators[index].operations - before, 1)) * nanosecondsPerOperation
    }
    now = max(now, time)
  }

  package func stop() {}
  package var operationsPerSecond: Double? { nil }
  package var disturbance: Disturbance? { nil }
  /// The mutators' operations so far.
  var operations: Int { mutators.reduce(0) { $0 + $1.operations } }
  package func giveBack() { for mutator in mutators { mutator.giveBack() } }
  package func end() {}
}
