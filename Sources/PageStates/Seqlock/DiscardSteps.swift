/// The steps of the thread's alternative to PG_discarded; other CPUs may act between steps. One sequence count and one
/// list of discarded pages serve many pages, a zone or a node.
public protocol DiscardSteps {
  associatedtype Interruption: Error

  /// The sequence count, read with acquire order. Odd if there are discarded pages.
  mutating func sequence() throws(Interruption) -> UInt64
  /// Increments the sequence count.
  mutating func bump() throws(Interruption)
  mutating func insert(_ page: Int) throws(Interruption)
  mutating func remove(_ page: Int) throws(Interruption)
  mutating func isEmpty() throws(Interruption) -> Bool
  /// Whether the list contains the page; walks the list.
  mutating func contains(_ page: Int) throws(Interruption) -> Bool
  /// Takes the list's lock.
  mutating func lockList() throws(Interruption)
  mutating func unlockList() throws(Interruption)
}

/// Dave Hansen's proposal of September 2006, corrected: the sequence is odd while any page is on the list.
///
/// As proposed, write_seqlock() would be held from a page's discard to its last reference's end, which may take long
/// and sleep; and with several discarded pages in a block, each end must find out whether it is the last. Here a
/// separate lock is held only while the list changes, and the count changes with it.
extension DiscardSteps {
  /// Adds a page that turned out to be discarded.
  @inlinable
  public mutating func beginDiscard(_ page: Int) throws(Interruption) {
    try lockList()
    if try isEmpty() { try bump() }
    try insert(page)
    try unlockList()
  }

  /// Removes a page whose last reference is gone.
  @inlinable
  public mutating func endDiscard(_ page: Int) throws(Interruption) {
    try lockList()
    try remove(page)
    if try isEmpty() { try bump() }
    try unlockList()
  }

  /// The test that replaces PG_discarded: two plain reads, and a walk while any page is discarded.
  @inlinable @inline(__always)
  public mutating func isDiscarded(_ page: Int) throws(Interruption) -> Bool {
    let begin = try sequence()
    if begin & 1 == 0, try sequence() == begin { return false }
    return try search(page)
  }

  @inlinable @inline(never)
  mutating func search(_ page: Int) throws(Interruption) -> Bool {
    try lockList()
    let found = try contains(page)
    try unlockList()
    return found
  }
}
