import Records

/// All strategies, in the order of publication. To add one: its file, and a line here.
public enum Strategies {
  public static let all: [StrategyEntry] = [
    StrategyEntry(NoHints.self),
    StrategyEntry(AllocatorItself.self),
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
    StrategyEntry(RotatingCursor.self),
    StrategyEntry(PFNScan.self),
    StrategyEntry(Adaptive.self),
    StrategyEntry(BlockMapHints.self),
    StrategyEntry(BlockMapReporting.self),
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

// Declared here and not with the types, because there the optimiser inlines `work` differently: page-reporting took 3.9 %
// more instructions, bitmap-hinting and page-reporting-boundary 2.9 % fewer, and results were no longer comparable with
// earlier ones. A strategy without hooks is compiled to the same code in either place.
extension BitmapHinting: StrategyPasses {}
extension PageReportingBoundary: StrategyPasses {}
extension PageReporting: StrategyPasses {}
extension BoundedPageReporting: StrategyPasses {}
extension KeepingPageReporting: StrategyPasses {}
extension NoticingPageReporting: StrategyPasses {}
extension BlockMapHints: StrategyPasses {}
extension BlockMapReporting: StrategyPasses {}
