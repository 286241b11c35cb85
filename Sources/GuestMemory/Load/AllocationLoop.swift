import Instruments

/// Allocations and frees in loops on one CPU, whatever hooks it was compiled for: for measuring what hooks cost who
/// allocates. One call goes through a closure, none inside it.
public final class AllocationLoop {
  // Closures made where the hooks' type is known: a generic class behind a protocol has one table of methods for all
  // its types, so that they may be called unspecialised.
  @usableFromInline let pairsBody: (Int, Int) -> Bool
  @usableFromInline let churnBody: (Int) -> Bool
  private let held: UnsafeMutablePointer<UInt64>

  /// Blocks of one ``churn(count:)``: of order 0 every second, of order 1 every fourth, and so on; one of order 10.
  public static let blocksPerChurn = 2047

  @inlinable @inline(__always)
  public convenience init<Hooks: AllocatorHooks>(_ guest: Guest, cpu: Int, hooks: Hooks) {
    let core = guest.core
    let node = guest.geometry.node(ofCPU: cpu)
    let held = UnsafeMutablePointer<UInt64>.allocate(capacity: AllocationLoop.blocksPerChurn)
    self.init(
      held: held,
      pairs: { order, count in
        var cpu = GuestCPU(core, cpu: cpu, node: node, probe: NoProbe(), hooks: hooks)
        for _ in 0..<count {
          guard let pfn = cpu.allocate(order: order, .userMovable) else { return false }
          cpu.free(pfn: pfn, order: order)
        }
        return true
      },
      churn: { count in
        var cpu = GuestCPU(core, cpu: cpu, node: node, probe: NoProbe(), hooks: hooks)
        let blocks = AllocationLoop.blocksPerChurn
        for _ in 0..<count {
          for index in 0..<blocks {
            guard let pfn = cpu.allocate(order: (index &+ 1).trailingZeroBitCount, .userMovable) else { return false }
            held[index] = pfn
          }
          // Every second first: nothing merges with those that are still out.
          for start in 0..<2 {
            for index in stride(from: start, to: blocks, by: 2) {
              cpu.free(pfn: held[index], order: (index &+ 1).trailingZeroBitCount)
            }
          }
        }
        return true
      })
  }

  @usableFromInline
  init(
    held: UnsafeMutablePointer<UInt64>, pairs: @escaping (Int, Int) -> Bool, churn: @escaping (Int) -> Bool
  ) {
    self.held = held
    pairsBody = pairs
    churnBody = churn
  }

  deinit { held.deallocate() }

  /// One movable block of `order` taken and given back, `count` times. False where there was none.
  public func pairs(order: Int, count: Int) -> Bool { pairsBody(order, count) }

  /// ``blocksPerChurn`` movable blocks of all orders taken, and given back, `count` times: splits, merges, fills and
  /// drains of the per-CPU lists. False where the guest ran out; what was taken is lost until it is restored.
  public func churn(count: Int) -> Bool { churnBody(count) }
}
