/// One thing a machine can or can't do for a measurement: a row of `hintbench doctor`.
public struct Finding: Equatable, Codable, Sendable {
  /// How far a measurement gets with it.
  public enum State: String, Codable, Sendable {
    /// As it should be.
    case ok
    /// Measurements work, and are less than they could be; why is said.
    case limited
    /// What it is for doesn't work here.
    case missing
  }

  /// What was looked at, in a few words.
  public var what: String
  public var state: State
  /// What is there; "not told" where the machine doesn't say.
  public var found: String
  /// What follows from it; nil if it is as it should be.
  public var why: String?
  /// The exact command that mends it; nil if none does.
  public var mend: String?

  public init(_ what: String, _ state: State, _ found: String, why: String? = nil, mend: String? = nil) {
    self.what = what
    self.state = state
    self.found = found
    self.why = why
    self.mend = mend
  }

  /// What stands in place of a fact that the machine doesn't tell.
  public static let notTold = "not told"
}
