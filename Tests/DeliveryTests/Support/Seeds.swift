import TestSupport

/// The seeds of the random tests: one for each hundred of the conformance suite.
enum Seeds {
  static let list = TestSeeds.oneIn(100)
}
