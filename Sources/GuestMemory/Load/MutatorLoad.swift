/// The load of the threads beside the strategy.
public enum MutatorLoad: String, Sendable, CaseIterable, Codable {
  /// No mutators.
  case none
  /// Single pages through the per-CPU lists, in bursts.
  case order0
  /// Order 9, as transparent huge pages are taken.
  case thp
  /// Orders 0 to 3 and some of order 9; every fifth burst has a GFP_ATOMIC request of order 3, as from a network
  /// driver.
  case mixed
  /// Single pages, each with a page fault on real host memory: the cost for a process that touches fresh memory.
  case faults
  /// Allocations as by a compiler's processes: mostly single pages, some of the kernel's orders 1 to 3, some of order
  /// 9. In a migration pages are also rewritten.
  case compile
  /// A process that takes single pages until it has enough, exits, and rests: a churn of processes of one size.
  case cycles
  /// A burst of the kernel's and users' requests in mixed orders, in which pages come and go; then everything is freed
  /// and the CPU rests.
  case bursts
  /// A build: processes of random sizes run one after another with a compiler's requests, and of what each had an
  /// eighth stays as page cache, whose oldest pages go when it is full.
  case build
  /// A page cache that grows by single pages; when it is full, its oldest page goes for each new one.
  case cache
}

extension MutatorLoad {
  /// Whether it is a course with a beginning and an end, of processes and a cache, in place of a churn that is the same
  /// at any moment.
  public var isCourse: Bool {
    switch self {
    case .cycles, .bursts, .build, .cache: true
    case .none, .order0, .thp, .mixed, .faults, .compile: false
    }
  }

  /// Whether it rests between processes or bursts: ``MutatorSettings/restNanoseconds``.
  public var rests: Bool { self == .cycles || self == .bursts }
  /// Draws the next allocation of this load.
  @inlinable @inline(__always)
  public func nextRequest(_ generator: inout SeededGenerator) -> (order: Int, gfp: GFP) {
    switch self {
    case .none, .order0, .faults, .cycles, .cache: return (0, .userMovable)
    case .thp: return (9, .userMovable)
    case .mixed, .bursts:
      switch generator.below(100) {
      case 0..<75: return (0, .userMovable)
      case 75..<85: return (1, .kernel)
      case 85..<92: return (2, .kernel)
      case 92..<98: return (3, .kernel)
      default: return (9, .userMovable)
      }
    case .compile, .build:
      switch generator.below(1000) {
      case 0..<930: return (0, .userMovable)
      case 930..<960: return (1, .kernel)
      case 960..<980: return (2, .kernel)
      case 980..<998: return (3, .kernel)
      default: return (9, .userMovable)
      }
    }
  }
}
