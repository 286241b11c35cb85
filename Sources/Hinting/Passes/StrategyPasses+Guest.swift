import Delivery
import GuestMemory
import Instruments

extension StrategyPasses {
  func mutator(_ guest: Guest, _ settings: MutatorSettings, _ log: HoldLog?) throws(GuestError) -> AnyMutator {
    try StrategyRunner.mutator(guest, settings, log, hooks)
  }

  func rangeAllocator(_ guest: Guest, cpu: Int) -> AnyRangeAllocator {
    switch guest.geometry.kernel {
    case .linux61: AnyRangeAllocator(guest, cpu: cpu, hooks: hooks, rules: Linux6_1.self)
    case .linux612: AnyRangeAllocator(guest, cpu: cpu, hooks: hooks, rules: Linux6_12.self)
    case .mainline: AnyRangeAllocator(guest, cpu: cpu, hooks: hooks, rules: Mainline.self)
    }
  }

  func allocator(_ guest: Guest, cpu: Int) -> AnyAllocator {
    switch guest.geometry.kernel {
    case .linux61: AnyAllocator(guest, cpu: cpu, hooks: hooks, rules: Linux6_1.self)
    case .linux612: AnyAllocator(guest, cpu: cpu, hooks: hooks, rules: Linux6_12.self)
    case .mainline: AnyAllocator(guest, cpu: cpu, hooks: hooks, rules: Mainline.self)
    }
  }

  func allocationLoop(_ guest: Guest, cpu: Int) -> AllocationLoop {
    switch guest.geometry.kernel {
    case .linux61: AllocationLoop(guest, cpu: cpu, hooks: hooks, rules: Linux6_1.self)
    case .linux612: AllocationLoop(guest, cpu: cpu, hooks: hooks, rules: Linux6_12.self)
    case .mainline: AllocationLoop(guest, cpu: cpu, hooks: hooks, rules: Mainline.self)
    }
  }
}
