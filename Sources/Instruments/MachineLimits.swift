import CHost
import Glibc
import Synchronization

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

  /// Bytes a second at the median cost of a 4 KiB page.
  public var zeroing4KiBBytesPerSecond: Double { 4096 / zeroing4KiB.median * 1e9 }
  /// Bytes a second at the median cost of a 4 MiB block.
  public var zeroing4MiBBytesPerSecond: Double { 4_194_304 / zeroing4MiB.median * 1e9 }

  private static let rounds = 7
  /// Larger than the second-level cache of any processor so far, and small enough to be quick.
  private static let bufferBytes = 16 << 20

  /// Measures them, on the calling thread, in well under half a second (the calibration of ``CycleClock``, where it
  /// comes first, included).
  ///
  /// - Throws: ``SystemCallError`` where there is no memory for a buffer of 16 MiB.
  public static func measure() throws(SystemCallError) -> MachineLimits {
    let clock = measureClock()
    let zeroing = try measureZeroing()
    return MachineLimits(
      clockP50: clock.p50, clockP99: clock.p99, atomicAdd: measureAtomicAdd(), systemCall: measureSystemCall(),
      zeroing4KiB: zeroing.page, zeroing4MiB: zeroing.block)
  }

  private static func measureClock() -> (p50: CostRange, p99: CostRange) {
    var p50: [Double] = []
    var p99: [Double] = []
    var ticks = [UInt64](repeating: 0, count: 10_000)
    for _ in 0..<rounds {
      for index in ticks.indices {
        let begin = CycleClock.begin()
        let end = CycleClock.end()
        ticks[index] = end > begin ? end - begin : 0
      }
      let sorted = ticks.sorted()
      p50.append(CycleClock.nanoseconds(fromTicks: Percentile.nearestRank(0.5, ofSorted: sorted) ?? 0))
      p99.append(CycleClock.nanoseconds(fromTicks: Percentile.nearestRank(0.99, ofSorted: sorted) ?? 0))
    }
    return (CostRange(p50), CostRange(p99))
  }

  private static func measureAtomicAdd() -> CostRange {
    let counter = Atomic<UInt64>(0)
    return costOfOne(among: 100_000) { counter.wrappingAdd(1, ordering: .sequentiallyConsistent) }
  }

  private static func measureSystemCall() -> CostRange {
    costOfOne(among: 5_000) { chost_consume(UInt64(getppid())) }
  }

  /// Nanoseconds of one `step`, from rounds of `count`.
  @inline(__always)
  private static func costOfOne(among count: Int, _ step: () -> Void) -> CostRange {
    var costs: [Double] = []
    for _ in 0..<rounds {
      let begin = CycleClock.begin()
      for _ in 0..<count { step() }
      let end = CycleClock.end()
      costs.append(CycleClock.nanoseconds(fromTicks: end > begin ? end - begin : 0) / Double(count))
    }
    return CostRange(costs)
  }

  private static func measureZeroing() throws(SystemCallError) -> (page: CostRange, block: CostRange) {
    guard let buffer = chost_reserve(bufferBytes, 2 << 20) else {
      throw SystemCallError(call: "mmap of \(bufferBytes) bytes", code: errno)
    }
    defer { _ = chost_release(buffer, bufferBytes) }
    // As the kernel maps its own memory; where huge pages are refused it is measured with small ones.
    _ = chost_advise_huge(buffer, bufferBytes, true)
    memset(buffer, 1, bufferBytes)

    let pages = bufferBytes / 4096
    let blocks = bufferBytes / (4 << 20)
    var perPage: [Double] = []
    var perBlock: [Double] = []
    for _ in 0..<rounds {
      var begin = CycleClock.begin()
      var page = 0
      for _ in 0..<pages {
        // Odd, so that each page of a power of two comes once.
        page = (page &+ 1667) & (pages - 1)
        clear(buffer + page * 4096)
      }
      var end = CycleClock.end()
      perPage.append(CycleClock.nanoseconds(fromTicks: end > begin ? end - begin : 0) / Double(pages))

      begin = CycleClock.begin()
      for page in 0..<pages { clear(buffer + page * 4096) }
      end = CycleClock.end()
      perBlock.append(CycleClock.nanoseconds(fromTicks: end > begin ? end - begin : 0) / Double(blocks))
    }
    return (CostRange(perPage), CostRange(perBlock))
  }

  @inline(__always)
  private static func clear(_ page: UnsafeMutableRawPointer) {
    memset(page, 0, 4096)
    chost_consume_pointer(page)
  }
}
