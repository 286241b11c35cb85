import Records

/// When enough repetitions were run: `run --until decided` looks at the comparisons of a run's strategies after 10
/// repetitions, 20, 40 and so on, and stops when all are decided.
///
/// Each look may be wrong, so each has a part of the levels: look k half of that of the look before, which together are
/// less than the whole (Bonferroni). So the probability that equal strategies are called different at any look stays below
/// ``Thresholds/alpha``, and that a change of the minimum effect is called the same below 1 - ``Thresholds/sameLevel``.
public struct SequentialRule: Sendable {
  private let thresholds: Thresholds

  public init(_ thresholds: Thresholds) { self.thresholds = thresholds }

  /// The repetitions at the first look: with fewer no comparison can be decided.
  private static let first = 10
  /// The number of looks: the last is after 1280 repetitions.
  private static let looks = 8

  /// The repetitions of each look.
  static var repetitions: [Int] { (0..<looks).map { first << $0 } }

  /// The repetitions to run before looking, if so many were planned; nil after the last look.
  public static func repetitions(after planned: Int) -> Int? { repetitions.first { $0 > planned } }

  /// The thresholds of the look after this number of repetitions, for one of several comparisons.
  func thresholds(at repetitions: Int, comparisons: Int) -> Thresholds {
    let look = (Self.repetitions.firstIndex { $0 >= repetitions } ?? Self.looks - 1) + 1
    let part = 1 / Double(1 << look)
    var made = thresholds
    made.alpha = thresholds.alpha * part / Double(max(comparisons, 1))
    made.sameLevel = 1 - (1 - thresholds.sameLevel) * part
    return made
  }

  /// The comparisons of a run's strategies at a look: the first one that reports anything with each of the others.
  ///
  /// - Parameters:
  ///   - run: with as many repetitions of each cell.
  ///   - repetitions: the number of them.
  /// - Throws: ``UserError`` of kind usage if the run has fewer than two strategies to compare.
  public func comparisons(_ run: TrackedRun, repetitions: Int) throws(UserError) -> [Comparison] {
    let names = Self.compared(run.cells.map(\.strategy), thresholds.catalogue)
    guard let base = names.first, names.count > 1 else { throw Self.tooFew }
    let looked = thresholds(at: repetitions, comparisons: names.count - 1)
    var comparisons: [Comparison] = []
    for new in names.dropFirst() {
      comparisons.append(try Comparison(of: [run], strategies: (base, new), thresholds: looked))
    }
    return comparisons
  }

  /// The strategies that are compared, of those of a run in their order: without those that report nothing.
  public static func compared(_ strategies: [String], _ catalogue: Catalogue) -> [String] {
    var names: [String] = []
    for name in strategies where !names.contains(name) && catalogue.strategy(name)?.reports != false {
      names.append(name)
    }
    return names
  }

  /// Refuses a run with nothing to compare.
  public static let tooFew = UserError(
    .usage, "--until decided compares strategies: expected at least two that report memory")
}

extension Comparison {
  /// Whether more repetitions can't change what is decided: each row that can have a verdict has one.
  public var isDecided: Bool { count(.notEnoughData) == 0 }
}
