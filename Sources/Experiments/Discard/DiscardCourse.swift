/// Decides who acts while a strategy's session goes on, and when.
protocol DiscardCourse: AnyObject {
  /// The strategy stands between two of its doings: others may act. While ``DiscardWorld/isLocked`` users and reclaim may
  /// not.
  func pause(_ world: DiscardWorld)
  /// The strategy, or the end of a session, waits for the host: at some call the host acts on the next buffer.
  func wait(_ world: DiscardWorld)
}
