import Instruments

/// The clock of an experiment with delays, and the mutators that run by it.
///
/// Times are nanoseconds since ``start()``.
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
  /// The disturbance of the mutators' threads; nil if they have none. Only while stopped.
  var disturbance: Disturbance? { get }
  /// Frees the mutators' blocks. Only while stopped.
  func giveBack()
  /// Ends the mutators' threads.
  func end()
}

/// A timeline by the machine's own clock, with one thread per mutator.
package final class RealTimeline: Timeline {
  private let mutators: MutatorGroup?
  private var began: UInt64 = 0

  package init(_ mutators: MutatorGroup?) { self.mutators = mutators }

  package var now: UInt64 { MonotonicClock.nanoseconds() - began }

  package func start() {
    mutators?.run()
    began = MonotonicClock.nanoseconds()
  }

  package func advance(to time: UInt64) {
    let now = now
    if time > now { MonotonicClock.sleep(nanoseconds: time - now) }
  }

  package func stop() { mutators?.park() }
  package var operationsPerSecond: Double? { mutators?.operationsPerSecond }
  package var disturbance: Disturbance? { mutators?.disturbance }
  package func giveBack() { mutators?.giveBack() }
  package func end() { mutators?.end() }
}
