/// The fields that every row of a run repeats.
public struct RunIdentity: Sendable {
  public var runID: String
  public var host: String
  public var commit: String?
  public var branch: String?

  public init(runID: String, host: String, commit: String?, branch: String?) {
    self.runID = runID
    self.host = host
    self.commit = commit
    self.branch = branch
  }
}
