import CHost

/// A handle on a `list_head`: a free list or a per-CPU list. Intrusive, doubly linked and circular, as in the kernel.
public struct FreeList: Sequence, Sendable {
  // An address; its user holds the lock that guards the list.
  @usableFromInline nonisolated(unsafe) let head: UnsafeMutablePointer<ListHead>

  @inlinable @inline(__always)
  init(_ head: UnsafeMutablePointer<ListHead>) { self.head = head }

  /// The address of the list head, for code in C.
  public var address: UnsafeMutablePointer<ListHead> { head }

  /// INIT_LIST_HEAD()
  @inlinable
  func initialize() {
    head.pointee.next = head
    head.pointee.prev = head
  }

  @inlinable @inline(__always)
  public var isEmpty: Bool { head.pointee.next == head }

  /// ``isEmpty`` for a reader without the lock: a hint that may be out of date (READ_ONCE).
  @inlinable @inline(__always)
  public var isEmptyUnlocked: Bool {
    chost_read_once(UnsafeRawPointer(head)) == UInt64(UInt(bitPattern: head))
  }

  @inlinable @inline(__always)
  public var first: Page? {
    let next = head.pointee.next.unsafelyUnwrapped
    return next == head ? nil : Page(link: next)
  }

  @inlinable @inline(__always)
  public var last: Page? {
    let prev = head.pointee.prev.unsafelyUnwrapped
    return prev == head ? nil : Page(link: prev)
  }

  /// The entry after `page`; nil at the list's end.
  @inlinable @inline(__always)
  public func next(after page: Page) -> Page? {
    let next = page.link.pointee.next.unsafelyUnwrapped
    return next == head ? nil : Page(link: next)
  }

  // MARK: places in it

  /// A position in a list: an entry, or the list's end. One word, so that hooks can store it.
  public struct Position: Equatable, Sendable {
    // The address of a link; its user holds the lock that guards the list.
    @usableFromInline nonisolated(unsafe) let link: UnsafeMutablePointer<ListHead>

    @inlinable @inline(__always)
    init(_ link: UnsafeMutablePointer<ListHead>) { self.link = link }

    /// The position as a word.
    @inlinable @inline(__always)
    public var rawValue: UInt64 { UInt64(UInt(bitPattern: link)) }

    /// Creates a position from its ``rawValue``; nil for 0.
    @inlinable @inline(__always)
    public init?(rawValue: UInt64) {
      guard let link = UnsafeMutablePointer<ListHead>(bitPattern: UInt(rawValue)) else { return nil }
      self.link = link
    }
  }

  /// The position after the last entry.
  @inlinable @inline(__always)
  public var end: Position { Position(head) }

  /// The entry before a position; nil if there is none.
  @inlinable @inline(__always)
  public func page(before place: Position) -> Page? {
    let prev = place.link.pointee.prev.unsafelyUnwrapped
    return prev == head ? nil : Page(link: prev)
  }

  /// The position after an entry.
  @inlinable @inline(__always)
  public func position(after page: Page) -> Position { Position(page.link.pointee.next.unsafelyUnwrapped) }

  // MARK: changing it, under the lock

  /// list_add()
  @inlinable @inline(__always)
  func addHead(_ page: Page) {
    let next = head.pointee.next.unsafelyUnwrapped
    FreeList.insert(page.link, between: head, and: next)
  }

  /// list_add_tail()
  @inlinable @inline(__always)
  func addTail(_ page: Page) { add(page, before: end) }

  @inlinable @inline(__always)
  func add(_ page: Page, before place: Position) {
    let prev = place.link.pointee.prev.unsafelyUnwrapped
    FreeList.insert(page.link, between: prev, and: place.link)
  }

  @inlinable @inline(__always)
  static func insert(
    _ link: UnsafeMutablePointer<ListHead>, between prev: UnsafeMutablePointer<ListHead>,
    and next: UnsafeMutablePointer<ListHead>
  ) {
    next.pointee.prev = link
    link.pointee.next = next
    link.pointee.prev = prev
    prev.pointee.next = link
  }

  /// __list_del_entry(): unlinks without poisoning.
  @inlinable @inline(__always)
  static func unlink(_ page: Page) {
    let link = page.link
    let prev = link.pointee.prev.unsafelyUnwrapped
    let next = link.pointee.next.unsafelyUnwrapped
    next.pointee.prev = prev
    prev.pointee.next = next
  }

  /// list_del(): unlinks and poisons.
  @inlinable @inline(__always)
  static func remove(_ page: Page) {
    unlink(page)
    page.link.pointee.next = UnsafeMutablePointer(bitPattern: Page.listPoison1)
    page.link.pointee.prev = UnsafeMutablePointer(bitPattern: Page.listPoison2)
  }

  /// list_move_tail()
  @inlinable @inline(__always)
  func moveToTail(_ page: Page) {
    FreeList.unlink(page)
    addTail(page)
  }

  /// list_rotate_to_front(): makes `page`, an entry, the first; the entries before it follow the last.
  @inlinable @inline(__always)
  func rotate(toFront page: Page) {
    let prev = head.pointee.prev.unsafelyUnwrapped
    let next = head.pointee.next.unsafelyUnwrapped
    prev.pointee.next = next
    next.pointee.prev = prev
    let before = page.link.pointee.prev.unsafelyUnwrapped
    FreeList.insert(head, between: before, and: page.link)
  }

  // MARK: walking it

  /// Iterates from head to tail, at the cost of a hand-written loop; the next entry is read when it is asked for.
  public struct Iterator: IteratorProtocol {
    @usableFromInline let head: UnsafeMutablePointer<ListHead>
    @usableFromInline var entry: UnsafeMutablePointer<ListHead>

    @inlinable @inline(__always)
    init(head: UnsafeMutablePointer<ListHead>) {
      self.head = head
      entry = head
    }

    @inlinable @inline(__always)
    public mutating func next() -> Page? {
      entry = entry.pointee.next.unsafelyUnwrapped
      return entry == head ? nil : Page(link: entry)
    }
  }

  @inlinable @inline(__always)
  public func makeIterator() -> Iterator { Iterator(head: head) }
}
