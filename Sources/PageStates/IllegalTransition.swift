/// A transition that the state machine has not.
public struct IllegalTransition: Error, Hashable, CustomStringConvertible {
  /// What was tried.
  public let action: String
  /// The state it was tried in.
  public let state: PageState
  /// The states it would have been right in.
  public let accepted: String

  @usableFromInline
  init(action: String, state: PageState, accepted: String) {
    self.action = action
    self.state = state
    self.accepted = accepted
  }

  public var description: String { "\(action) of a page in \(state); expected \(accepted)" }
}
