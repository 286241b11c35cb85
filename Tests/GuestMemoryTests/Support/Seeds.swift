import TestSupport

/// The seeds of the random tests: one for each 250 of the conformance suite.
enum Seeds {
  static let list = TestSeeds.oneIn(250)
}
