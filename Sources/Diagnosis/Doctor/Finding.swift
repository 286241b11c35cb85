/// One capability of the machine that measurements depend on: a row of `hintbench doctor`.
public struct Finding: Equatable, Codable, Sendable {
  /// The effect on measurements.
  public enum State: String, Codable, Sendable {
    /// No restriction.
    case ok
    /// Measurements work with restrictions; `why` says which.
    case limited
    /// Not available.
    case missing
  }

  /// The capability, in a few words.
  public var what: String
  public var state: State
  /// What was found; "not told" if the machine doesn't report it.
  public var found: String
  /// The consequence; nil if there is none.
  public var why: String?
  /// The exact command that fixes it; nil if there is none.
  public var mend: String?

  public init(_ what: String, _ state: State, _ found: String, why: String? = nil, mend: String? = nil) {
    self.what = what
    self.state = state
    self.found = found
    self.why = why
    self.mend = mend
  }

  /// Stands in for a fact that the machine doesn't report.
  public static let notTold = "not told"
}
