import GuestMemory
import Records

/// ``PageReporting`` for a host that may drop reported blocks at any later time: whoever is handed a part of one tells the
/// host first.
///
/// As virtio-pgalloc (research driver, 2026; the heads of its files were read, no more): reports as ``PageReporting`` does,
/// keeps the mark of a block that leaves its list, and looks at it where a page is handed out (prep_new_page(), no lock).
/// It doesn't wait for the host's answer, as the driver's first version.
///
/// The mark goes to every part of a block that is split, and to what a marked block merges with: any part may be handed
/// out first, and by another CPU. So each part that is handed out costs a notice. With a mark on the first page alone it
/// would be one a block, and its other parts could be written to before the host knows.
struct NoticingPageReporting: ReportingStrategy {
  struct Hooks: ReportingCycleHooks {
    let words: SharedWords.View
    let order: Int

    /// The words of its own: how many notices there were, and from a line of their own on the last ones, each a
    /// ``Block/rawValue``: the entries of the driver's queue.
    static var count: Int { ReportingWords.own }
    static var first: Int { ReportingWords.own + 8 }
    static var entries: Int { 128 }

    /// The notices since the last reset.
    var notices: UInt64 { words[Self.count] }

    /// The last notices, oldest first; at most 128.
    var lastNotices: [Block] {
      (notices - min(notices, UInt64(Self.entries))..<notices).map { Block(rawValue: words[Self.entry($0)]) }
    }

    @inline(__always)
    private static func entry(_ index: UInt64) -> Int { first &+ Int(truncatingIfNeeded: index) & (entries &- 1) }

    static var hasThreshold: Bool { true }
    static var marksBlocks: Bool { true }

    @inline(__always)
    func marks(_ page: Page) -> UInt64 {
      page.isReported || page.isDroppable ? Page.marks.droppable : 0
    }

    @inline(__always)
    func marks(_ marks: UInt64, mergedWith others: UInt64) -> UInt64 { marks | others }

    @inline(__always)
    func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {
      if page.isReported {
        page.setReported(false)
        page.setDroppable(true)
      }
    }

    @inline(__always)
    func didAllocate(_ page: Page, pfn: UInt64, order: Int) {
      if !page.isDroppable { return }
      page.setDroppable(false)
      let number = words.add(Self.count, 1) &- 1
      words[Self.entry(number)] = Block(pfn: pfn, order: order).rawValue
    }
  }

  static var boundsHolds: Bool { true }
  static var marksBeforePutBack: UInt64 { Page.marks.droppable }
  static var wordCount: Int { Hooks.first + Hooks.entries }

  var state: ReportingState

  init(_ options: OptionValues) { state = ReportingState(options) }
}
