extension PageState {
  /// The state after an operation of the guest.
  ///
  /// A discarded page stays discarded except after SET_STABLE, SET_UNUSED and STABLE_MAKE_RESIDENT, which turn it into
  /// a page of zeroes: their callers don't need the content.
  ///
  /// - Throws: ``IllegalTransition``: only an allocation takes a page out of U, and a written page doesn't become V.
  @inlinable @inline(__always)
  public func after(_ operation: StateOperation) throws(IllegalTransition) -> PageState {
    switch operation {
    case .get: return self
    case .setStable:
      // Swapped content of an unused page is worthless.
      if guest == .unused { return PageState(.stable, host == .resident ? .resident : .zero) }
      return PageState(.stable, host, isDirty: isDirty)
    case .setUnused: return PageState(.unused, host)
    case .setVolatile:
      if guest == .unused || guest == .potentiallyVolatile && isDirty {
        throw IllegalTransition(action: "SET_VOLATILE", state: self, accepted: "S, V, and P not written to")
      }
      // A swapped-out page counts as discarded: there is no Vp.
      return PageState(.volatile, host == .resident ? .resident : .zero, isDirty: isDirty)
    case .setPotentiallyVolatile:
      if guest == .unused {
        throw IllegalTransition(action: "SET_POT_VOLATILE", state: self, accepted: "S, V, P")
      }
      if host == .preserved && !isDirty { return PageState(.potentiallyVolatile, .zero) }
      return PageState(.potentiallyVolatile, host, isDirty: isDirty)
    case .stableMakeResident: return PageState(.stable, .resident, isDirty: guest == .unused ? false : isDirty)
    case .stableIfNotDiscarded:
      if guest == .unused {
        throw IllegalTransition(action: "STABLE_IF_NOT_DISCARDED", state: self, accepted: "S, V, P")
      }
      return isDiscarded ? self : PageState(.stable, host, isDirty: isDirty)
    }
  }

  /// The state with the change bit cleared: page_test_and_clear_dirty().
  ///
  /// - Throws: ``IllegalTransition`` for P, which the host could then discard, written or not.
  public func cleaned() throws(IllegalTransition) -> PageState {
    if guest == .potentiallyVolatile && isDirty {
      throw IllegalTransition(action: "clearing the change bit", state: self, accepted: "S, U, V, and P not written to")
    }
    return PageState(guest, host)
  }
}

/// A guest's request about a page's state: the codes of s390's ESSA instruction.
public enum StateOperation: UInt8, Sendable, CaseIterable {
  /// Reads the state.
  case get = 0
  /// To S from any state, as at allocation. A page without content reads as zero.
  case setStable = 1
  /// To U from any state, as at free.
  case setUnused = 2
  /// From S or P to V.
  case setVolatile = 3
  /// From S or V to P.
  case setPotentiallyVolatile = 4
  /// To S from any state, and resident.
  case stableMakeResident = 5
  /// From V or P to S; does nothing if the page is discarded.
  case stableIfNotDiscarded = 6
}
