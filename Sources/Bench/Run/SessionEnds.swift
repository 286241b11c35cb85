import Hinting
import Records

/// The combined outcome of the sessions behind one row.
package struct SessionEnds {
  /// Why a session failed; the first such reason.
  package private(set) var failure: String?
  /// The first outcome other than complete or stopped, kept because a strategy without a buffer disturbs no other
  /// thread.
  private var unusual: Outcome?

  package init() {}

  package mutating func note(_ outcome: Outcome) {
    if case .error(let reason) = outcome { failure = failure ?? reason }
    if outcome != .complete && outcome != .stopped { unusual = unusual ?? outcome }
  }

  /// Adds the outcomes of a later part of the same row.
  package mutating func note(_ others: SessionEnds) {
    failure = failure ?? others.failure
    unusual = unusual ?? others.unusual
  }

  /// The outcome for the row: error if a session failed, otherwise the first unusual outcome, otherwise complete.
  package var outcome: RunOutcome {
    failure != nil ? .error : unusual.flatMap { RunOutcome(rawValue: $0.name) } ?? .complete
  }
}
