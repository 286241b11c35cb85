/// What the thread's alternative to PG_discarded works on, in steps that other CPUs may come between: one sequence
/// count and one list of discarded pages for many pages, a zone or a node.
public protocol DiscardSteps {
  associatedtype Interruption: Error

  /// The sequence count, read with acquire order. Odd: there are discarded pages.
  mutating func sequence() throws(Interruption) -> UInt64
  /// The next sequence count.
  mutating func bump() throws(Interruption)
  mutating func insert(_ page: Int) throws(Interruption)
  mutating func remove(_ page: Int) throws(Interruption)
  mutating func isEmpty() throws(Interruption) -> Bool
  /// Walks the list.
  mutating func contains(_ page: Int) throws(Interruption) -> Bool
  /// The list's lock.
  mutating func lockList() throws(Interruption)
  mutating func unlockList() throws(Interruption)
}

/// Dave Hansen's proposal of September 2006, made to hold: the sequence is odd while any page is on the list.
///
/// As proposed, write_seqlock() would be held from a page's discard to its last reference's end, which may be long and
/// sleep; and with several discarded pages in a block each end has to find out whether it is the last. Here a lock of
/// its own is held just while the list changes, and the count changes with it.
extension DiscardSteps {
  /// A page turns out to be discarded.
  @inlinable
  public mutating func beginDiscard(_ page: Int) throws(Interruption) {
    try lockList()
    if try isEmpty() { try bump() }
    try insert(page)
    try unlockList()
  }

  /// Its last reference is gone.
  @inlinable
  public mutating func endDiscard(_ page: Int) throws(Interruption) {
    try lockList()
    try remove(page)
    if try isEmpty() { try bump() }
    try unlockList()
  }

  /// What a reader asks where PG_discarded would be tested: two plain reads, and a walk while anything is discarded.
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
