/// What one atomic step of the balloon has done, for who watches it. Pages by PFN.
public enum BalloonEvent: Hashable, Sendable {
  case allocated(UInt64)
  /// What one who passes by sees without a reference.
  case looked(UInt64, isMovable: Bool)
  case referenced(UInt64, Bool)
  case triedLock(UInt64, Bool)
  /// Under its lock: whether it may be isolated.
  case checked(UInt64, Bool)
  case unlocked(UInt64)
  case enqueued(UInt64)
  case dequeued(UInt64)
  /// Off the list, to be moved.
  case isolated(UInt64)
  case putBack(UInt64)
  /// The new page is on the list in the old one's stead.
  case replaced(old: UInt64, new: UInt64)
  case droppedReference(UInt64)
  case told(BalloonCommand, UInt64)
  case triedMutex(Bool)
  case releasedMutex
}

/// Which of the balloon's queues a message goes through.
public enum BalloonCommand: Hashable, Sendable {
  case inflate, deflate
}
