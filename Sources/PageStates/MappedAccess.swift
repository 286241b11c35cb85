/// The result of a user's access through its page table.
public enum MappedAccess: Hashable, Sendable {
  /// The access succeeded.
  case done
  /// There is no page table entry: an ordinary page fault.
  case notMapped
  /// The host has discarded this page. The CPU is in the fault handler until ``PageStore/leaveFault()``.
  case discardFault(page: Int)
}
