import GuestMemory
import Records

/// ``PageReporting`` with bounded holds, with budgets of its own, or with a threshold for its runs.
struct BoundedPageReporting: ReportingStrategy {
  struct Hooks: ReportingCycleHooks {
    let words: SharedWords.View
    let order: Int

    static var hasThreshold: Bool { true }
  }

  static var boundsHolds: Bool { true }

  var state: ReportingState

  init(_ options: OptionValues) { state = ReportingState(options) }
}

/// ``PageReporting`` whose mark survives: the parts of a reported block that is split stay reported, and what two reported
/// blocks merge to is reported.
///
/// As the series of May 2026 has it for PG_zeroed (M. Tsirkin, v5, cover.1778192416.git.mst@redhat.com; read in subjects
/// and a digest alone). What isn't allocated of a split block needn't be reported again. A freed page has no mark, so that
/// a block it merges with loses its own.
struct KeepingPageReporting: ReportingStrategy {
  struct Hooks: ReportingCycleHooks {
    let words: SharedWords.View
    let order: Int

    static var hasThreshold: Bool { true }
    static var marksBlocks: Bool { true }

    @inline(__always)
    func marks(_ page: Page) -> UInt64 { page.isReported ? Page.marks.reported : 0 }

    @inline(__always)
    func marks(_ marks: UInt64, mergedWith others: UInt64) -> UInt64 { marks & others }
  }

  static var boundsHolds: Bool { true }
  static var marksBeforePutBack: UInt64 { Page.marks.reported }

  var state: ReportingState

  init(_ options: OptionValues) { state = ReportingState(options) }
}
