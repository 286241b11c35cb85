extension PageState {
  /// What the host does to get at a page's frame.
  public enum Reclaim: Sendable, Hashable {
    /// U: nothing was there to keep.
    case freed
    /// V, or P not written to: thrown away, and not written to swap.
    case discarded
    /// S, or P written to: written to swap.
    case preserved
  }

  /// What getting at its frame would be; nil if there is none.
  @inlinable @inline(__always)
  public var reclaim: Reclaim? {
    guard host == .resident else { return nil }
    switch guest {
    case .unused: return .freed
    case .stable: return .preserved
    case .volatile: return .discarded
    case .potentiallyVolatile: return isDirty ? .preserved : .discarded
    }
  }

  /// Ur, Vr and clean Pr to z; Up to Uz.
  ///
  /// - Throws: ``IllegalTransition`` of what has to be kept, and of what isn't there.
  public func discarded() throws(IllegalTransition) -> PageState {
    if guest == .unused && host != .zero { return PageState(.unused, .zero) }
    guard reclaim == .discarded else {
      throw IllegalTransition(action: "a discard", state: self, accepted: "Ur, Up, Vr, and Pr not written to")
    }
    return PageState(guest, .zero, isDirty: isDirty)
  }

  /// Sr to Sp, and Pr to Pp where it has been written to.
  ///
  /// - Throws: ``IllegalTransition`` of anything else: what may be discarded is never written to swap.
  public func preserved() throws(IllegalTransition) -> PageState {
    guard reclaim == .preserved else {
      throw IllegalTransition(action: "swapping out", state: self, accepted: "Sr, and Pr written to")
    }
    return PageState(guest, .preserved, isDirty: isDirty)
  }

  /// The state with its frame given to somebody else, by whichever way is open.
  @inlinable @inline(__always)
  public var withoutFrame: PageState {
    reclaim == nil
      ? self
      : PageState(guest, reclaim == .preserved ? .preserved : .zero, isDirty: isDirty && guest != .unused)
  }

  /// The state after the guest's access: swapped in, or a page of zeroes. Nil: a discard fault, and nothing changes.
  @inlinable @inline(__always)
  public func accessed(writes: Bool) -> PageState? {
    if isDiscarded { return nil }
    return PageState(guest, .resident, isDirty: isDirty || writes)
  }
}
