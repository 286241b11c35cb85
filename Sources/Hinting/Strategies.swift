import Records

/// All strategies, in the order of publication. To add one: its file, a line here, and one at the file's end.
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

// Here and not with the types, where the optimiser makes other code of the same methods: page-reporting took 3.9 % more
// instructions there, bitmap-hinting and page-reporting-boundary 2.9 % fewer.
extension NoHints: StrategyPasses {}
extension RecordUnusedPages: StrategyPasses {}
extension BudgetedResume: StrategyPasses {}
extension StepIterator: StrategyPasses {}
extension WalkCallback: StrategyPasses {}
extension FreeListFixedBuffer: StrategyPasses {}
extension FreeListProportionalBuffer: StrategyPasses {}
extension FreeListMultiBuffer: StrategyPasses {}
extension PluckBuffer: StrategyPasses {}
extension AllocMaxOrder: StrategyPasses {}
extension BitmapHinting: StrategyPasses {}
extension PageReportingBoundary: StrategyPasses {}
extension PageReporting: StrategyPasses {}
