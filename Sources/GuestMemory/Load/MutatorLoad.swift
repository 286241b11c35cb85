/// What the threads beside the strategy do to the guest.
public enum MutatorLoad: String, Sendable, CaseIterable, Codable {
  /// Nothing: no mutators.
  case none
  /// Single pages through the per-CPU lists, in bursts.
  case order0
  /// Order 9, as transparent huge pages are taken.
  case thp
  /// Orders 0 to 3 and some of order 9, and every fifth burst one of GFP_ATOMIC requests of order 3, as a network driver
  /// makes them.
  case mixed
  /// Single pages, each with a page fault on real host memory: what a process pays that touches fresh memory.
  case faults
}
