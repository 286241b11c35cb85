/// What became of a user's access through its page table.
public enum MappedAccess: Hashable, Sendable {
  /// It went through.
  case done
  /// There is no entry: an ordinary page fault.
  case notMapped
  /// The host has discarded this page. The CPU is in the fault's handler, until ``PageStore/leaveFault()``.
  case discardFault(page: Int)
}
