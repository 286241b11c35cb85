/// Every experiment there is. Adding one is its file and a line here.
public enum Experiments {
  public static let all: [ExperimentCard] = [ScanExperiment.card]
}

/// What an experiment is, for listings.
public struct ExperimentCard: Sendable {
  public let name: String
  public let question: String
  public let files: String
}
