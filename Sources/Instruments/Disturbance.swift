/// What kept a thread from its CPU, or from its memory, while it was watched. nil is what the system doesn't tell.
public struct Disturbance: Equatable, Sendable {
  /// Times the thread was taken off its CPU though it had work (ru_nivcsw).
  public var involuntarySwitches: Int?
  /// Pages it had to wait for, without input or output (ru_minflt).
  public var minorFaults: Int?
  /// As ``StealClock`` tells it: of the whole machine, in steps of 10 ms. Nanoseconds.
  public var stealNanoseconds: UInt64?

  public init(involuntarySwitches: Int?, minorFaults: Int?, stealNanoseconds: UInt64?) {
    self.involuntarySwitches = involuntarySwitches
    self.minorFaults = minorFaults
    self.stealNanoseconds = stealNanoseconds
  }

  /// Of two stretches one after the other; what one of them doesn't tell the sum doesn't either.
  public static func + (first: Disturbance, second: Disturbance) -> Disturbance {
    func sum<Number: AdditiveArithmetic>(_ path: (Disturbance) -> Number?) -> Number? {
      guard let one = path(first), let other = path(second) else { return nil }
      return one + other
    }
    return Disturbance(
      involuntarySwitches: sum { $0.involuntarySwitches }, minorFaults: sum { $0.minorFaults },
      stealNanoseconds: sum { $0.stealNanoseconds })
  }

  /// Of several threads in the same time, at least one.
  public static func together(_ threads: [Disturbance]) -> Disturbance {
    threads.dropFirst().reduce(threads[0]) { $0.beside($1) }
  }

  /// This stretch with what another thread met in the same time, if there was one: the machine's steal is counted once.
  public func beside(_ other: Disturbance?) -> Disturbance {
    guard let other else { return self }
    var sum = self + other
    sum.stealNanoseconds = stealNanoseconds
    return sum
  }
}
