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
  /// The first touch of a page of 4 KiB that was given back, its zeroing included; nil where it wasn't measured, as in
  /// runs from before.
  public var firstTouch4KiB: CostRange?
  /// The same for a page of 2 MiB; nil also where the kernel gives no such pages.
  public var firstTouch2MiB: CostRange?
  /// The first touch of a page of 4 KiB that was punched into one of 2 MiB; nil as for those.
  public var firstTouchSplit: CostRange?

  enum CodingKeys: String, CodingKey {
    case clockP50 = "clock_p50_ns"
    case clockP99 = "clock_p99_ns"
    case atomicAdd = "atomic_add_ns"
    case systemCall = "system_call_ns"
    case zeroing4KiB = "zeroing_4kib_ns"
    case zeroing4MiB = "zeroing_4mib_ns"
    case firstTouch4KiB = "first_touch_4kib_ns"
    case firstTouch2MiB = "first_touch_2mib_ns"
    case firstTouchSplit = "first_touch_split_ns"
  }

  private static let rounds = 7
  /// First touches are of more memory.
  private static let touchRounds = 3

  /// Measures the floors on the calling thread in less than half a second, the calibration of ``CycleClock`` included.
  /// The rungs of the ladder use the same code.
  ///
  /// - Throws: ``SystemCallError`` if the host refuses the memory for buffers of 16 and 64 MiB.
  public static func measure() throws(SystemCallError) -> MachineFloors {
    let clock = StepCosts.clock(rounds: rounds)
    let zeroing = try ZeroingCosts()
    let huge = FirstTouchCosts.hugeMapping()
    return MachineFloors(
      clockP50: clock.p50.cost, clockP99: clock.p99.cost, atomicAdd: StepCosts.atomicAdd(rounds: rounds).cost,
      systemCall: StepCosts.systemCall(rounds: rounds).cost,
      zeroing4KiB: zeroing.scatteredPages(rounds: rounds).cost,
      zeroing4MiB: zeroing.blocks(of: 4 << 20, rounds: rounds).cost,
      firstTouch4KiB: try FirstTouchCosts.pages(
        HostMapping(bytes: FirstTouchCosts.regionBytes(.small), page: .small), rounds: touchRounds
      ).cost,
      firstTouch2MiB: try huge.map { mapping throws(SystemCallError) in
        try FirstTouchCosts.pages(mapping, rounds: touchRounds).cost
      },
      firstTouchSplit: try huge.map { _ throws(SystemCallError) in
        try FirstTouchCosts.splitPages(rounds: touchRounds).cost
      })
  }
}
