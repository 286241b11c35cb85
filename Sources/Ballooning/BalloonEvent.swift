/// One atomic step of the balloon, as told to ``BalloonSteps``. Pages are given by PFN.
public enum BalloonEvent: Hashable, Sendable {
  case allocated(UInt64)
  /// A thread without a reference read the page's flags.
  case looked(UInt64, isMovable: Bool)
  case referenced(UInt64, Bool)
  case triedLock(UInt64, Bool)
  /// Whether the page may be isolated, read under its lock.
  case checked(UInt64, Bool)
  case unlocked(UInt64)
  case enqueued(UInt64)
  case dequeued(UInt64)
  /// The page was taken off the list to be moved.
  case isolated(UInt64)
  case putBack(UInt64)
  /// The new page took the old one's place on the list.
  case replaced(old: UInt64, new: UInt64)
  case droppedReference(UInt64)
  case told(BalloonCommand, UInt64)
  case triedMutex(Bool)
  case releasedMutex
}

/// The queue of the balloon that a message goes through.
public enum BalloonCommand: Hashable, Sendable {
  case inflate, deflate
}
