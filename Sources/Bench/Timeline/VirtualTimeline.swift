import GuestMemory
import Instruments

/// A clock that is moved on from event to event, on the calling thread: mutators act at a rate that is set, waits cost
/// nothing, and what the code itself takes is not in it. The same seed gives the same run on every machine.
package final class VirtualTimeline: Timeline {
  private let mutators: [AnyMutator]
  /// When each acts next. Nanoseconds.
  private var next: [Double]
  private let nanosecondsPerOperation: Double
  package private(set) var now: UInt64 = 0

  /// `rate`: operations a second of each mutator.
  package init(_ mutators: [AnyMutator], rate: Double) {
    precondition(rate > 0, "a rate of \(rate)")
    self.mutators = mutators
    let step = 1e9 / rate
    nanosecondsPerOperation = step
    // Not all in the same instant.
    next = mutators.indices.map { Double($0) * step / Double(mutators.count) }
  }

  package func start() { now = 0 }

  package func advance(to time: UInt64) {
    while let index = next.indices.min(by: { next[$0] < next[$1] }), next[index] <= Double(time) {
      now = max(now, UInt64(next[index]))
      let before = mutators[index].operations
      mutators[index].burst()
      // A burst in which everything was refused still takes its time.
      next[index] += Double(max(mutators[index].operations - before, 1)) * nanosecondsPerOperation
    }
    now = max(now, time)
  }

  package func stop() {}
  package var operationsPerSecond: Double? { nil }
  package var disturbance: Disturbance? { nil }
  /// Mutators' operations so far.
  var operations: Int { mutators.reduce(0) { $0 + $1.operations } }
  package func giveBack() { for mutator in mutators { mutator.giveBack() } }
  package func end() {}
}
