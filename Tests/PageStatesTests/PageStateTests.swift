import Testing

@testable import PageStates

/// Every transition of both sides from every state. Facts, section 9.
@Suite struct PageStateTests {
  private static let states = GuestState.allCases.flatMap { guest in
    HostState.allCases.flatMap { host in [false, true].map { PageState(guest, host, isDirty: $0) } }
  }

  private func after(_ state: PageState, _ operation: StateOperation) -> PageState? { try? state.after(operation) }

  @Test func theByteHoldsAllThree() {
    #expect(Set(Self.states.map(\.rawValue)).count == 24)
    for state in Self.states {
      let copy = PageState(state.guest, state.host, isDirty: state.isDirty)
      #expect(copy == state && PageState(rawValue: state.rawValue) == state)
      #expect(state.isDiscarded == ("VP".contains(state.description.first ?? "-") && state.host == .zero))
    }
  }

  @Test func aFreeIsUnusedWhateverThePageWas() {
    for state in Self.states { #expect(after(state, .setUnused) == PageState(.unused, state.host)) }
  }

  @Test func anAllocatedPageIsStableAndOfAFreeOneNothingIsLeft() {
    for state in Self.states {
      let stable = after(state, .setStable)
      #expect(stable?.guest == .stable)
      if state.guest == .unused { #expect(stable?.host == (state.host == .resident ? .resident : .zero)) }
      #expect(after(state, .stableMakeResident)?.host == .resident)
    }
  }

  @Test func outOfUnusedLeadsOnlyAnAllocation() {
    let leading = StateOperation.allCases.filter { operation in
      Self.states.contains { $0.guest == .unused && after($0, operation).map { $0.guest != .unused } == true }
    }
    #expect(leading == [.setStable, .stableMakeResident])
    for operation in [StateOperation.setVolatile, .setPotentiallyVolatile, .stableIfNotDiscarded] {
      #expect(throws: IllegalTransition.self) { try PageState(.unused, .resident).after(operation) }
    }
  }

  @Test func makeStableFailsJustWhereThePageIsDiscarded() {
    for state in Self.states where state.guest != .unused {
      let stable = after(state, .stableIfNotDiscarded)
      #expect((stable == state && state.guest != .stable) == state.isDiscarded, "\(state)")
      if !state.isDiscarded { #expect(stable == PageState(.stable, state.host, isDirty: state.isDirty)) }
    }
  }

  @Test func whatBecomesVolatileIsNeverInSwap() {
    for state in Self.states {
      if let volatile = after(state, .setVolatile) { #expect(volatile.host != .preserved) }
      if let page = after(state, .setPotentiallyVolatile), !page.isDirty { #expect(page.host != .preserved) }
    }
    // A page with a write that the guest hasn't seen would lose it.
    #expect(throws: IllegalTransition.self) {
      try PageState(.potentiallyVolatile, .resident, isDirty: true).after(.setVolatile)
    }
    #expect(throws: IllegalTransition.self) { try PageState(.potentiallyVolatile, .resident, isDirty: true).cleaned() }
  }

  @Test func theHostDiscardsOnlyVolatileCleanAndUnusedPages() throws {
    for state in Self.states {
      let isOpen =
        state.guest == .unused && state.host != .zero || state.guest == .volatile && state.host == .resident
        || state.guest == .potentiallyVolatile && state.host == .resident && !state.isDirty
      let discarded = try? state.discarded()
      #expect((discarded != nil) == isOpen, "\(state)")
      if let discarded { #expect(discarded.host == .zero && discarded.guest == state.guest) }
      let preserved = try? state.preserved()
      let isKept =
        state.host == .resident && (state.guest == .stable || state.guest == .potentiallyVolatile && state.isDirty)
      #expect((preserved != nil) == isKept, "\(state)")
      // Both sides' words for one thing agree.
      switch state.reclaim {
      case .discarded?, .freed?: #expect(state.withoutFrame == discarded)
      case .preserved?: #expect(state.withoutFrame == preserved)
      case nil: #expect(state.withoutFrame == state && preserved == nil)
      }
    }
  }

  @Test func accessToAStablePageNeverFaults() {
    for state in Self.states {
      for writes in [false, true] {
        let next = state.accessed(writes: writes)
        #expect((next == nil) == state.isDiscarded, "\(state)")
        if let next { #expect(next.host == .resident && next.guest == state.guest && (!writes || next.isDirty)) }
      }
    }
  }

  /// From the states of a page of file and of a free page, what both sides may do never leads to a state that isn't.
  @Test func noSequenceLeadsToAStateThatIsNot() {
    var reached: Set<PageState> = [.fresh, PageState(.unused, .zero)]
    var waiting = Array(reached)
    while let state = waiting.popLast() {
      var next = StateOperation.allCases.compactMap { after(state, $0) }
      next += [try? state.discarded(), try? state.preserved(), try? state.cleaned()].compactMap { $0 }
      next += [false, true].compactMap { state.accessed(writes: $0) }
      for state in next where reached.insert(state).inserted { waiting.append(state) }
    }
    #expect(!reached.contains { $0.guest == .volatile && $0.host == .preserved })
    #expect(!reached.contains { $0.guest == .potentiallyVolatile && $0.host == .preserved && !$0.isDirty })
    #expect(Set(reached.map(\.guest)).count == 4 && Set(reached.map(\.host)).count == 3)
  }

  @Test func eachConditionKeepsAPageStable() {
    let good: PageFlags = [.mapping, .uptodate, .lru]
    #expect(good.allowVolatile && good.union([.active, .referenced, .writable, .stateChange]).allowVolatile)
    let forbidding: [PageFlags] = [
      .reserved, .dirty, .writeback, .locked, .anonymous, .privateData, .discarded,
    ]
    for flag in forbidding { #expect(!good.union(flag).allowVolatile, "\(flag)") }
    for flag in [PageFlags.mapping, .uptodate, .lru] { #expect(!good.subtracting(flag).allowVolatile, "\(flag)") }
  }
}
