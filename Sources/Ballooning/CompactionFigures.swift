/// Counts of one compaction pass.
public struct CompactionFigures: Equatable, Sendable {
  /// Pages moved: the balloon's, and those of other owners.
  public var balloonPages = 0
  public var otherPages = 0
  /// Pages of the balloon that couldn't be moved and stayed.
  public var balloonPagesLeft = 0
  /// Pages that were isolated and then put back unmoved.
  public var putBack = 0

  public init() {}

  public static func + (a: Self, b: Self) -> Self {
    var sum = a
    sum.balloonPages += b.balloonPages
    sum.otherPages += b.otherPages
    sum.balloonPagesLeft += b.balloonPagesLeft
    sum.putBack += b.putBack
    return sum
  }
}
