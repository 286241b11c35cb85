/// Who has single movable pages beside the balloon, and must hear where they have gone.
public protocol PageOwner {
  /// What stood in `old` stands in `new`, which carries the same ``Page/ownersIndex``.
  mutating func pageMoved(from old: UInt64, to new: UInt64)
}
