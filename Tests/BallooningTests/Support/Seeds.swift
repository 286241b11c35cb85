import TestSupport

/// The seeds of the random tests.
enum Seeds {
  static let list = TestSeeds.first(8)
}
