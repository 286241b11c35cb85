import Instruments

/// The machine's own clock, with a thread for each mutator.
final class RealTimeline: Timeline {
  private let mutators: MutatorGroup?
  private var began: UInt64 = 0

  init(_ mutators: MutatorGroup?) { self.mutators = mutators }

  var now: UInt64 { MonotonicClock.nanoseconds() - began }

  func start() {
    mutators?.run()
    began = MonotonicClock.nanoseconds()
  }

  func advance(to time: UInt64) {
    let now = now
    if time > now { MonotonicClock.sleep(nanoseconds: time - now) }
  }

  func stop() { mutators?.park() }
  var operationsPerSecond: Double? { mutators?.operationsPerSecond }
  var disturbance: Disturbance? { mutators?.disturbance }
  func giveBack() { mutators?.giveBack() }
  func end() { mutators?.end() }
}
