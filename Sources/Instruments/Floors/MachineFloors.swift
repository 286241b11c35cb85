import Machine

/// The cost of primitive steps on this machine: the floor under every result. Each over seven rounds; nanoseconds.
public struct MachineFloors: Equatable, Codable, Sendable {
  /// The median of an empty interval: the part of every hold that the probe adds.
  public var clockP50: CostRange
  /// The 99th percentile of an empty interval.
  public var clockP99: CostRange
  /// An atomic addition to a line in this CPU's cache.
  public var atomicAdd: CostRange
  /// The shortest system call (getppid).
  public var systemCall: CostRange
  /// Zeroing single, non-adjacent 4 KiB pages, as init_on_alloc does for order 0.
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

  /// Measures the floors on the calling thread in less than half a second, the calibration of ``CycleClock`` included.
  /// The rungs of the ladder use the same code.
  ///
  /// - Throws: ``SystemCallError`` if the host refuses the memory for a buffer of 16 MiB.
  public static func measure() throws(SystemCallError) -> MachineFloors {
    let clock = StepCosts.clock(rounds: rounds)
    let zeroing = try ZeroingCosts()
    return MachineFloors(
      clockP50: clock.p50.cost, clockP99: clock.p99.cost, atomicAdd: StepCosts.atomicAdd(rounds: rounds).cost,
      systemCall: StepCosts.systemCall(rounds: rounds).cost,
      zeroing4KiB: zeroing.scatteredPages(rounds: rounds).cost,
      zeroing4MiB: zeroing.blocks(of: 4 << 20, rounds: rounds).cost)
  }
}
