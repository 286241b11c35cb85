import Machine

/// What primitive steps cost on this machine: the floor under every result. Each over seven rounds; in nanoseconds.
public struct MachineLimits: Equatable, Codable, Sendable {
  /// An interval with nothing in it, half are at most this: what a probe adds to every hold.
  public var clockP50: CostRange
  /// An interval with nothing in it, 99 of 100 are at most this.
  public var clockP99: CostRange
  /// An atomic addition to a line in this CPU's cache.
  public var atomicAdd: CostRange
  /// The shortest system call (getppid).
  public var systemCall: CostRange
  /// Zeroing single pages of 4 KiB that don't follow each other, as init_on_alloc does for order 0.
  public var zeroing4KiB: CostRange
  /// Zeroing 4 MiB page by page, as the kernel does for an order-10 block.
  public var zeroing4MiB: CostRange

  enum CodingKeys: String, CodingKey {
    case clockP50 = "clock_p50_ns"
    case clockP99 = "clock_p99_ns"
    case atomicAdd = "atomic_add_ns"
    case systemCall = "system_call_ns"
    case zeroing4KiB = "zeroing_4kib_ns"
    case zeroing4MiB = "zeroing_4mib_ns"
  }

  private static let rounds = 7

  /// Measures them, on the calling thread, in well under half a second (the calibration of ``CycleClock``, where it
  /// comes first, included). The same code as the rungs of the ladder.
  ///
  /// - Throws: ``SystemCallError`` if there is no memory for a buffer of 16 MiB.
  public static func measure() throws(SystemCallError) -> MachineLimits {
    let clock = StepCosts.clock(rounds: rounds)
    let zeroing = try ZeroingCosts()
    return MachineLimits(
      clockP50: clock.p50.cost, clockP99: clock.p99.cost, atomicAdd: StepCosts.atomicAdd(rounds: rounds).cost,
      systemCall: StepCosts.systemCall(rounds: rounds).cost,
      zeroing4KiB: zeroing.scatteredPages(rounds: rounds).cost,
      zeroing4MiB: zeroing.blocks(of: 4 << 20, rounds: rounds).cost)
  }
}
