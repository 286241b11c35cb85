import Instruments

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
