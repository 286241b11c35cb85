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
