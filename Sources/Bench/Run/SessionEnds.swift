import Hinting
import Records

/// How the sessions behind one row ended.
package struct SessionEnds {
  /// Why one broke down.
  package private(set) var failure: String?
  /// The first end that was neither complete nor requested: a strategy that gets no buffer disturbs no other thread.
  private var unusual: Outcome?

  package init() {}

  package mutating func note(_ outcome: Outcome) {
    if case .error(let reason) = outcome { failure = failure ?? reason }
    if outcome != .complete && outcome != .stopped { unusual = unusual ?? outcome }
  }

  /// Those of another part of the same row, after these.
  package mutating func note(_ others: SessionEnds) {
    failure = failure ?? others.failure
    unusual = unusual ?? others.unusual
  }

  /// What the row says: that one broke down, or else the first end that was out of the ordinary.
  package var outcome: RunOutcome {
    failure != nil ? .error : unusual.flatMap { RunOutcome(rawValue: $0.name) } ?? .complete
  }
}
