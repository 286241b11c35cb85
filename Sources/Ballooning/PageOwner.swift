/// The owner of single movable pages other than the balloon's.
public protocol PageOwner {
  /// Tells the owner that compaction moved its page from `old` to `new`. The new page has the same
  /// ``Page/ownersIndex``.
  mutating func pageMoved(from old: UInt64, to new: UInt64)
}
