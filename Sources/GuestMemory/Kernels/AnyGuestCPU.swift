import Instruments

/// A guest CPU whose rules are known at run time alone: a branch a call. For loads that aren't timed. All that changes is in
/// the guest's memory.
public enum AnyGuestCPU {
  case linux6_1(GuestCPU<NoProbe, NoHooks, Linux6_1>)
  case linux6_12(GuestCPU<NoProbe, NoHooks, Linux6_12>)

  public init(_ guest: Guest, cpu: Int) {
    let node = guest.geometry.node(ofCPU: cpu)
    self =
      switch guest.geometry.kernel {
      case .linux6_1: .linux6_1(GuestCPU(guest.core, cpu: cpu, node: node, probe: NoProbe(), rules: Linux6_1.self))
      case .linux6_12: .linux6_12(GuestCPU(guest.core, cpu: cpu, node: node, probe: NoProbe(), rules: Linux6_12.self))
      }
  }

  public var core: GuestCore {
    switch self {
    case .linux6_1(let cpu): cpu.core
    case .linux6_12(let cpu): cpu.core
    }
  }

  /// See ``GuestCPU/allocate(order:_:onNode:)``.
  public mutating func allocate(order: Int, _ gfp: GFP) -> UInt64? {
    switch self {
    case .linux6_1(var cpu): cpu.allocate(order: order, gfp)
    case .linux6_12(var cpu): cpu.allocate(order: order, gfp)
    }
  }

  /// See ``GuestCPU/free(pfn:order:)``.
  public mutating func free(pfn: UInt64, order: Int) {
    switch self {
    case .linux6_1(var cpu): cpu.free(pfn: pfn, order: order)
    case .linux6_12(var cpu): cpu.free(pfn: pfn, order: order)
    }
  }
}
