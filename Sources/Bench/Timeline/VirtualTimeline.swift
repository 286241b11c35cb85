import GuestMemory
import Instruments

/// A clock that jumps from event to event on the calling thread: mutators act at a set rate, all CPUs have their vmstat
/// tick at whole seconds, before what else is due then; waits cost nothing, and the code's own run time isn't included.
/// The same seed gives the same run on every machine.
package final class VirtualTimeline: Timeline {
  private let mutators: [AnyMutator]
  /// One for each CPU that has a tick.
  private let ticking: [AnyMutator]
  private var nextTick = tickNanoseconds
  /// The time of each mutator's next operation. Nanoseconds.
  private var next: [Double]
  private let nanosecondsPerOperation: Double
  package private(set) var now: UInt64 = 0
  /// The time that the mutators' operations have taken, without their rests, of all together. Nanoseconds.
  package private(set) var busyNanoseconds = 0.0
  /// Called after each burst, with the mutator, at the burst's time.
  package var afterBurst: ((AnyMutator) -> Void)?

  /// Creates a timeline.
  ///
  /// - Parameters:
  ///   - rate: operations per second of each mutator.
  ///   - own: on the experiment's own CPU; others on that CPU have no tick of their own.
  package init(_ mutators: [AnyMutator], rate: Double, own: AnyMutator? = nil) {
    precondition(rate > 0, "a rate of \(rate)")
    self.mutators = mutators
    var cpus: Set<Int> = []
    ticking = ([own].compactMap { $0 } + mutators).filter { cpus.insert($0.cpu).inserted }
    let step = 1e9 / rate
    nanosecondsPerOperation = step
    // Spread, so that they don't all act at the same time.
    next = mutators.indices.map { Double($0) * step / Double(mutators.count) }
  }

  package func start() { now = 0 }

  package func advance(to time: UInt64) {
    while true {
      let index = next.indices.min { next[$0] < next[$1] }
      if nextTick <= time, index.map({ Double(nextTick) <= next[$0] }) ?? true {
        now = max(now, nextTick)
        for mutator in ticking { mutator.tick() }
        nextTick += tickNanoseconds
        continue
      }
      guard let index, next[index] <= Double(time) else { break }
      now = max(now, UInt64(next[index]))
      let before = mutators[index].operations
      let rest = mutators[index].burst()
      afterBurst?(mutators[index])
      // A burst in which every operation was refused takes time, too.
      let busy = Double(max(mutators[index].operations - before, 1)) * nanosecondsPerOperation
      busyNanoseconds += busy
      next[index] += busy + Double(rest)
    }
    now = max(now, time)
  }

  package func stop() {}
  package var operationsPerSecond: Double? { nil }
  package var figures: MutatorFigures? { nil }
  package var disturbance: Disturbance? { nil }
  /// The mutators' operations so far.
  var operations: Int { mutators.reduce(0) { $0 + $1.operations } }
  package func giveBack() { for mutator in mutators { mutator.giveBack() } }
  package func end() {}
}
