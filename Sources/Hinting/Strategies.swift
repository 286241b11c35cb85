import Records

/// All strategies, in the order of publication. To add one: its file, and a line here.
public enum Strategies {
  public static let all: [StrategyEntry] = [
    StrategyEntry(NoHints.self),
    StrategyEntry(RecordUnusedPages.self),
    StrategyEntry(BudgetedResume.self),
    StrategyEntry(StepIterator.self),
    StrategyEntry(WalkCallback.self),
    StrategyEntry(FreeListFixedBuffer.self),
    StrategyEntry(FreeListProportionalBuffer.self),
    StrategyEntry(FreeListMultiBuffer.self),
    StrategyEntry(PluckBuffer.self),
    StrategyEntry(AllocMaxOrder.self),
    StrategyEntry(BitmapHinting.self),
    StrategyEntry(PageReportingBoundary.self),
    StrategyEntry(PageReporting.self),
  ]

  /// Returns the strategy of this name.
  ///
  /// - Throws: ``OptionError/unknownStrategy(_:known:)``
  public static func entry(named name: String) throws(OptionError) -> StrategyEntry {
    guard let entry = all.first(where: { $0.card.name == name }) else {
      throw .unknownStrategy(name, known: all.map(\.card.name))
    }
    return entry
  }
}
