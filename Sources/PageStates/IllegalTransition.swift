/// A transition that the state machine doesn't allow.
public struct IllegalTransition: Error, Hashable, CustomStringConvertible {
  /// The attempted action.
  public let action: String
  /// The page's state.
  public let state: PageState
  /// The states in which the action is allowed.
  public let accepted: String

  @usableFromInline
  init(action: String, state: PageState, accepted: String) {
    self.action = action
    self.state = state
    self.accepted = accepted
  }

  public var description: String { "\(action) of a page in \(state); expected \(accepted)" }
}
