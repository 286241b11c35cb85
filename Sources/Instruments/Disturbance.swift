/// What disturbed a thread while it was watched. nil: not reported by the system.
public struct Disturbance: Equatable, Sendable {
  /// Involuntary context switches of the thread (ru_nivcsw).
  public var involuntarySwitches: Int?
  /// Page faults of the thread without I/O (ru_minflt).
  public var minorFaults: Int?
  /// Steal time of the whole machine, see ``StealClock``, in steps of 10 ms. Nanoseconds.
  public var stealNanoseconds: UInt64?
  /// Time in which the thread could have run and waited for a CPU (run_delay in /proc/thread-self/schedstat).
  /// Nanoseconds.
  public var runDelayNanoseconds: UInt64?

  public init(
    involuntarySwitches: Int?, minorFaults: Int?, stealNanoseconds: UInt64?, runDelayNanoseconds: UInt64? = nil
  ) {
    self.involuntarySwitches = involuntarySwitches
    self.minorFaults = minorFaults
    self.stealNanoseconds = stealNanoseconds
    self.runDelayNanoseconds = runDelayNanoseconds
  }

  /// The sum of two successive stretches; nil for what either doesn't have.
  public static func + (first: Disturbance, second: Disturbance) -> Disturbance {
    func sum<Number: AdditiveArithmetic>(_ path: (Disturbance) -> Number?) -> Number? {
      guard let one = path(first), let other = path(second) else { return nil }
      return one + other
    }
    return Disturbance(
      involuntarySwitches: sum { $0.involuntarySwitches }, minorFaults: sum { $0.minorFaults },
      stealNanoseconds: sum { $0.stealNanoseconds }, runDelayNanoseconds: sum { $0.runDelayNanoseconds })
  }

  /// The combination of several threads over the same time; at least one.
  public static func together(_ threads: [Disturbance]) -> Disturbance {
    threads.dropFirst().reduce(threads[0]) { $0.beside($1) }
  }

  /// This stretch combined with another thread's over the same time, if any: the machine's steal counts once, and a
  /// thread that doesn't watch its run delay leaves this one's.
  public func beside(_ other: Disturbance?) -> Disturbance {
    guard let other else { return self }
    var sum = self + other
    sum.stealNanoseconds = stealNanoseconds
    if other.runDelayNanoseconds == nil { sum.runDelayNanoseconds = runDelayNanoseconds }
    return sum
  }
}
