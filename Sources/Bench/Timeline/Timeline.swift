import GuestMemory
import Instruments

/// The clock of an experiment with delays, and the mutators that run by it.
///
/// Times are nanoseconds since ``start()``. Once a second each modelled CPU has its vmstat tick
/// (``GuestMemory/AnyMutator/tick()``): the mutators' CPUs on their own, the experiment's in ``advance(to:)``.
package protocol Timeline: AnyObject {
  var now: UInt64 { get }
  /// Starts the clock and the mutators.
  func start()
  /// Waits until `time`; returns at once if it has passed.
  func advance(to time: UInt64)
  /// Stops the mutators.
  func stop()
  /// The mutators' operations per second of real time; nil if they run by a virtual clock. Only while stopped.
  var operationsPerSecond: Double? { get }
  /// The mutators' figures; nil if they have no threads. Only while stopped.
  var figures: MutatorFigures? { get }
  /// The disturbance of the mutators' threads; nil if they have none. Only while stopped.
  var disturbance: Disturbance? { get }
  /// Frees the mutators' blocks. Only while stopped.
  func giveBack()
  /// Ends the mutators' threads.
  func end()
}

/// The time between two vmstat ticks of a CPU (sysctl_stat_interval, HZ). Nanoseconds.
let tickNanoseconds: UInt64 = 1_000_000_000

/// A timeline by the machine's own clock, with one thread per mutator.
package final class RealTimeline: Timeline {
  private let mutators: MutatorGroup?
  private let own: AnyMutator?
  private var began: UInt64 = 0
  private var nextTick = tickNanoseconds

  /// Creates a timeline. `own`: on the CPU of the calling thread, which is no mutator's.
  package init(_ mutators: MutatorGroup?, own: AnyMutator? = nil) {
    self.mutators = mutators
    self.own = own
  }

  package var now: UInt64 { MonotonicClock.nanoseconds() - began }

  package func start() {
    mutators?.run()
    began = MonotonicClock.nanoseconds()
  }

  package func advance(to time: UInt64) {
    while true {
      let now = now
      if now >= nextTick {
        own?.tick()
        nextTick = (now / tickNanoseconds + 1) * tickNanoseconds
      }
      guard time > now else { return }
      MonotonicClock.sleep(nanoseconds: min(time, nextTick) - now)
    }
  }

  package func stop() { mutators?.park() }
  package var operationsPerSecond: Double? { mutators?.operationsPerSecond }
  package var figures: MutatorFigures? { mutators?.figures }
  package var disturbance: Disturbance? { mutators?.disturbance }
  package func giveBack() { mutators?.giveBack() }
  package func end() { mutators?.end() }
}
