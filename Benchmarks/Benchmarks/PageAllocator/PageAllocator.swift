import Benchmark
import CBaseline
import CHost
import Fixtures
import GuestMemory
import Instruments

/// The page allocator's calls on a fresh 8 GiB guest, uncontended, with no probe. Times in picoseconds an operation, from
/// ticks of the cycle clock around many of them, so that what package-benchmark does isn't in them.
let benchmarks: @Sendable () -> Void = {
  GuestFixture.refuseDebugBuild()
  let allocator = Allocator()

  benchmark("order 0, alloc and free through pcp", perPair) { allocator.pairs(order: 0, count: 10_000) }
  benchmark("order 3, alloc and free through pcp", perPair) { allocator.pairs(order: 3, count: 10_000) }
  benchmark("order 9, alloc and free through pcp", perPair) { allocator.pairs(order: 9, count: 2_000) }
  benchmark("order 0, alloc and free under the zone lock", perPair) { allocator.pairsWithPCPBusy(count: 10_000) }
  benchmark("order 0, refill of 63", perRefill) { allocator.refills(count: 64) }
  benchmark("order 10, take 8 near blocks", perBlock) { allocator.take(blocks: 8).taking }
  benchmark("order 10, take every block", perBlock) { allocator.take(blocks: .max).taking }
  benchmark("order 10, give 8 near blocks back", perBlock) { allocator.take(blocks: 8).giving }
  benchmark("order 10, give every block back", perBlock) { allocator.take(blocks: .max).giving }
}

let perPair = BenchmarkMetric.custom("ps/pair", polarity: .prefersSmaller, useScalingFactor: false)
let perRefill = BenchmarkMetric.custom("ps/refill", polarity: .prefersSmaller, useScalingFactor: false)
let perBlock = BenchmarkMetric.custom("ps/block", polarity: .prefersSmaller, useScalingFactor: false)

/// Registers a benchmark whose body returns nanoseconds an operation.
func benchmark(_ name: String, _ metric: BenchmarkMetric, _ body: @escaping () -> Double) {
  Benchmark(
    name,
    configuration: .init(metrics: [metric], warmupIterations: 3, maxDuration: .seconds(2), maxIterations: 2_000)
  ) { benchmark in
    benchmark.measurement(metric, Int((body() * 1000).rounded()))
  }
}

/// Ticks of `body` in nanoseconds, divided by `operations`.
@inline(__always)
private func time(_ operations: Int, _ body: () -> Void) -> Double {
  let begin = CycleClock.begin()
  body()
  let end = CycleClock.end()
  return CycleClock.nanoseconds(fromTicks: end &- begin) / Double(operations)
}

/// A guest, one CPU of it, and the blocks it holds.
///
/// `@unchecked Sendable`: benchmarks run one after another on one thread.
final class Allocator: @unchecked Sendable {
  private let guest: Guest
  private var cpu: GuestCPU<NoProbe, NoHooks>
  private let zone: Zone
  private let held: UnsafeMutablePointer<UInt64>

  init() {
    guest = GuestFixture.fresh(bytes: 8 * GuestFixture.gibibyte)
    cpu = GuestFixture.cpu(guest)
    zone = GuestFixture.largestZone(guest)
    held = .allocate(capacity: 4096)
    held.initialize(repeating: 0, count: 4096)
  }

  deinit { held.deallocate() }

  @inline(never)
  private func require() -> Never { fatalError("the guest ran out of memory") }

  /// One block taken and given back, `count` times.
  @inline(never)
  func pairs(order: Int, count: Int) -> Double {
    time(count) {
      for _ in 0..<count {
        guard let pfn = cpu.allocate(order: order, .userMovable) else { require() }
        cpu.free(pfn: pfn, order: order)
      }
    }
  }

  /// The same while the CPU's own list is busy, so that each call goes to the zone and takes its lock: a kernel's path where
  /// the pcp lock's trylock fails. The failed trylock is part of it.
  @inline(never)
  func pairsWithPCPBusy(count: Int) -> Double {
    let first = UnsafeMutableRawPointer(zone.freeList(order: 0, .unmovable).address)
    let structure = (first - Int(HB_ZONE_FREE_AREA)).assumingMemoryBound(to: StructZone.self)
    baseline_set_pcp_busy(structure, 0, 1)
    defer { baseline_set_pcp_busy(structure, 0, 0) }
    return pairs(order: 0, count: count)
  }

  /// rmqueue_bulk(): an allocation that finds the CPU's list empty and takes 63 pages under one hold. The list is emptied
  /// again outside the time; the clock's reading, about 20 ns, is part of it. The median of `count`.
  @inline(never)
  func refills(count: Int) -> Double {
    cpu.drainPerCPULists()
    return Spread(
      (0..<count).map { _ in
        var pfn: UInt64?
        let nanoseconds = time(1) { pfn = cpu.allocate(order: 0, .userMovable) }
        guard let pfn else { require() }
        cpu.free(pfn: pfn, order: 0)
        cpu.drainPerCPULists()
        return nanoseconds
      }
    ).median
  }

  /// Blocks of the highest order taken with the balloon driver's flags until `blocks` are held or there are no more, and given
  /// back. Nanoseconds a block for the one and for the other.
  ///
  /// The guest is put back before, and its list heads walked: warm as far as the caches can hold heads that lie 64 KiB apart.
  @inline(never)
  func take(blocks: Int) -> (taking: Double, giving: Double) {
    guest.restore()
    let order = guest.core.highestOrder
    for page in zone.freeList(order: order, .movable) { chost_consume(UInt64(page.order)) }
    // Movable blocks become the request's type with the first one taken; that is not what is measured.
    var n = 0
    let taking = time(1) {
      while n < blocks, let pfn = cpu.allocate(order: order, .freePageAlloc) {
        held[n] = pfn
        n &+= 1
      }
    }
    if n == 0 { require() }
    let taken = n
    let giving = time(taken) {
      while n > 0 {
        n &-= 1
        cpu.free(pfn: held[n], order: order)
      }
    }
    return (taking / Double(taken), giving)
  }
}
