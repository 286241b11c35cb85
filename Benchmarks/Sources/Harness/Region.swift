import Hinting

/// The measured part of a body, entered once or several times in a run.
public typealias Region = StrategyRunner.Bracket

extension StrategyRunner.Bracket {
  /// Runs `body` inside the region.
  @inline(__always)
  public func around<Result>(_ body: () -> Result) -> Result {
    start()
    defer { stop() }
    return body()
  }

  /// A region that measures nothing.
  static var unwatched: Region { Region(start: {}, stop: {}) }
}
