/// One rule every strategy keeps, and how it was broken.
struct Violation: CustomStringConvertible {
  enum Rule: String, CaseIterable {
    /// A named block isn't on a free list when the sink gets it.
    case notFree
    /// A hint isn't a block of an order looked at that is on the lists as such.
    case wrongOrder
    /// A block said to be held is on a list, or was never free.
    case notHeld
    /// A block held is reported again, or two that overlap.
    case reportedTwice
    /// A block goes out again though no walk was begun again.
    case repeatedWithoutRestart
    /// What the sink was told of taken pages isn't what is gone from the lists.
    case withheldWrong
    /// ``SessionAccount`` and the count page by page differ.
    case accountDiffers
    /// The allocator's state is broken while the session's blocks are held.
    case brokenWhileHeld
    /// The allocator's state is broken, or not all is back, when everything was given back.
    case brokenAfterwards
    /// A strategy that only reads left the lists in another state.
    case listsChanged
    /// The restored state isn't the one the session began with.
    case restoreDiffers
    /// Two sessions from the same state differ.
    case notDeterministic
    /// One hold looked at more entries than the strategy allows.
    case holdTooLong
    /// The pass without a probe and the one with it differ.
    case passesDiffer
    /// The session is complete, and a block the strategy can reach wasn't hinted.
    case incomplete
    /// A block the strategy may not take is gone.
    case untouchableTaken
    /// The session goes on though the host asked for its end.
    case stopIgnored
    /// A stopped session leaves something behind.
    case leakedWhenStopped
  }

  let rule: Rule
  let detail: String

  var description: String { "\(rule.rawValue): \(detail)" }
}
