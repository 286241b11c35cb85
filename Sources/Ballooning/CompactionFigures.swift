/// What a pass of compaction came to.
public struct CompactionFigures: Equatable, Sendable {
  /// Pages moved that were the balloon's, and those of others.
  public var balloonPages = 0
  public var otherPages = 0
  /// Pages of the balloon that stayed where they were, since it can't move them.
  public var balloonPagesLeft = 0
  /// Pages that were isolated and put back.
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
