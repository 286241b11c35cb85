import Instruments

/// Loops of allocations and frees on one CPU with type-erased hooks, to measure what hooks cost allocating threads.
/// Only a whole loop is called through a closure.
public final class AllocationLoop {
  // The closures are created while the hooks' type is known: a generic class behind a protocol has one method table for
  // all its types, so its methods may be called unspecialised.
  @usableFromInline let pairsBody: (Int, Int) -> Bool
  @usableFromInline let churnBody: (Int) -> Bool
  private let held: UnsafeMutablePointer<UInt64>

  /// The blocks per ``churn(count:)``: every second of order 0, every fourth of order 1, and so on; one of order 10.
  public static let blocksPerChurn = 2047

  @inlinable @inline(__always)
  public convenience init<Hooks: AllocatorHooks, Rules: KernelRules>(
    _ guest: Guest, cpu: Int, hooks: Hooks, rules: Rules.Type
  ) {
    let core = guest.core
    let node = guest.geometry.node(ofCPU: cpu)
    let held = UnsafeMutablePointer<UInt64>.allocate(capacity: AllocationLoop.blocksPerChurn)
    self.init(
      held: held,
      pairs: { order, count in
        var cpu = GuestCPU(core, cpu: cpu, node: node, probe: NoProbe(), hooks: hooks, rules: rules)
        for _ in 0..<count {
          guard let pfn = cpu.allocate(order: order, .userMovable) else { return false }
          cpu.free(pfn: pfn, order: order)
        }
        return true
      },
      churn: { count in
        var cpu = GuestCPU(core, cpu: cpu, node: node, probe: NoProbe(), hooks: hooks, rules: rules)
        let blocks = AllocationLoop.blocksPerChurn
        for _ in 0..<count {
          for index in 0..<blocks {
            guard let pfn = cpu.allocate(order: (index &+ 1).trailingZeroBitCount, .userMovable) else { return false }
            held[index] = pfn
          }
          // Every second block first, so that nothing merges with blocks that are still allocated.
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

  /// Allocates and frees one movable block of `order`, `count` times. Returns false if an allocation failed.
  public func pairs(order: Int, count: Int) -> Bool { pairsBody(order, count) }

  /// Allocates ``blocksPerChurn`` movable blocks of all orders and frees them, `count` times, which splits, merges,
  /// fills and drains per-CPU lists. Returns false if the guest ran out of memory; what was allocated is lost until it
  /// is restored.
  public func churn(count: Int) -> Bool { churnBody(count) }
}
