import Instruments

/// Time as an experiment with delays in it sees it, and the mutators that live in it.
///
/// Nanoseconds since ``start()``.
package protocol Timeline: AnyObject {
  var now: UInt64 { get }
  /// Lets the mutators run from here on.
  func start()
  /// Waits until `time`; returns at once where that has passed.
  func advance(to time: UInt64)
  /// The mutators stand still from here on.
  func stop()
  /// Mutators' operations a second of the machine's time. Only while they stand still; nil if they go by another.
  var operationsPerSecond: Double? { get }
  /// What the mutators' threads met. Only while they stand still; nil if they have none.
  var disturbance: Disturbance? { get }
  /// Gives back what they hold. Only while they stand still.
  func giveBack()
  /// Ends their threads.
  func end()
}
