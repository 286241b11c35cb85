extension PageState {
  /// How the host gets at a page's frame.
  public enum Reclaim: Sendable, Hashable {
    /// U: there was no content to keep.
    case freed
    /// V, or P not written to: discarded without writing to swap.
    case discarded
    /// S, or P written to: written to swap.
    case preserved
  }

  /// How the host would get at its frame; nil if the page has none.
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
  /// - Throws: ``IllegalTransition`` if the content must be preserved, or isn't present.
  public func discarded() throws(IllegalTransition) -> PageState {
    if guest == .unused && host != .zero { return PageState(.unused, .zero) }
    guard reclaim == .discarded else {
      throw IllegalTransition(action: "a discard", state: self, accepted: "Ur, Up, Vr, and Pr not written to")
    }
    return PageState(guest, .zero, isDirty: isDirty)
  }

  /// Sr to Sp, and Pr to Pp if it was written to.
  ///
  /// - Throws: ``IllegalTransition`` for any other state: what may be discarded is never written to swap.
  public func preserved() throws(IllegalTransition) -> PageState {
    guard reclaim == .preserved else {
      throw IllegalTransition(action: "swapping out", state: self, accepted: "Sr, and Pr written to")
    }
    return PageState(guest, .preserved, isDirty: isDirty)
  }

  /// The state after the host has taken its frame, by discarding or preserving.
  @inlinable @inline(__always)
  public var withoutFrame: PageState {
    reclaim == nil
      ? self
      : PageState(guest, reclaim == .preserved ? .preserved : .zero, isDirty: isDirty && guest != .unused)
  }

  /// The state after the guest's access: swapped in, or a page of zeroes. Nil for a discard fault, which changes
  /// nothing.
  @inlinable @inline(__always)
  public func accessed(writes: Bool) -> PageState? {
    if isDiscarded { return nil }
    return PageState(guest, .resident, isDirty: isDirty || writes)
  }
}
