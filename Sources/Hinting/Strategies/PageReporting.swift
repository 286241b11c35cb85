import Delivery
import GuestMemory
import Instruments
import Records

/// Free page reporting as merged in 5.7: takes free blocks off the lists one scatterlist (sheet) at a time, reports
/// them, and puts them back at the tail of their list with a flag that says the host knows of them.
///
/// The hook at the end of a free requests a run. The run starts two seconds later and goes through all zones, orders
/// upward. Only the entries show whether they are reported, so a run walks past all of them under the lock without
/// spending its budget: its longest hold is the list's length. A list that still has unreported blocks when its budget
/// is spent is rotated so that the first of them leads, and the run requests the next one itself.
///
/// A session repeats runs without the delay. On an idle guest at most ``runsPerSession(_:)`` are ever requested. Beside
/// threads that keep freeing one is always requested, so the session ends after that many runs, which have covered
/// everything free at its start.
///
/// Proposals since then are options. With their defaults this type is what runs: none of their code is in it, neither in
/// the cycle nor in the hooks. Otherwise it is one of the types of PageReporting+Proposals.swift, see ``form(_:)``.
struct PageReporting: ReportingStrategy {
  static let card = StrategyCard(
    name: "page-reporting", origin: "merged in 5.7, 2020",
    summary: "takes 32 free blocks at a time, reports them and marks them reported",
    effect: .takesBatches, trigger: .frees, nativeOrder: 9,
    holdBound:
      "32 blocks put back, 32 taken, and every reported block of one list skipped; with `take` and `skip` as many as they "
      + "say",
    sideEffects:
      "32 blocks off the lists during a report; rotates lists, moves blocks to their tails, converts pageblocks to "
      + "movable",
    limits: "skips ISOLATE; skips a zone without 32 blocks above the low watermark",
    options: [
      DeclaredOption(
        "order", .choice(["session"] + (0...10).map(String.init)), default: "session",
        "lowest order reported; session: what --order says",
        source: "5.7: pageblock_order; 6.1: the device's, or written to /sys; 6.12: parameter page_reporting_order"),
      DeclaredOption(
        "capacity", .integer(1...1024), default: "32", "blocks per report",
        source: "5.7: PAGE_REPORTING_CAPACITY, there a power of two"),
      DeclaredOption(
        "delay", .integer(0...60_000), default: "2000", "milliseconds from the request to the run",
        source: "5.7: PAGE_REPORTING_DELAY"),
      DeclaredOption(
        "share", .integer(1...1024), default: "16",
        "per run, each list reports at most 1/share of the blocks of the order, plus one report",
        source: "5.7: budget of nr_free / (PAGE_REPORTING_CAPACITY * 16)"),
      DeclaredOption(
        "isolate", .choice(["skip", "take"]), default: "skip",
        "whether lists of isolated pageblocks are left alone, or reported like any other",
        source: "skip: 5.7; take: what skipping them is for"),
      DeclaredOption(
        "skip", .integer(0...1_048_576), default: "0",
        "reported blocks skipped in one hold, after which the list is rotated and the lock released; 0: all of a list",
        source: "0: 5.7; 1024: Liang Li, April 2020, 20200412090756.GA19574, not merged", implied: "0"),
      DeclaredOption(
        "take", .integer(0...1024), default: "0",
        "blocks taken, or put back, in one hold; 0: a whole report's",
        source: "0: 5.7; since 6.10 each that is taken costs 512 struct pages a pageblock under the lock", implied: "0"),
      DeclaredOption(
        "buffers", .choice(["chain", "individual"]), default: "chain",
        "whether a report is one chain of buffers, or each block is a buffer that the host answers by itself",
        source: "chain: 5.7; individual: M. Tsirkin, v5, May 2026, cover.1778192416.git.mst@redhat.com, under review",
        implied: "chain"),
      DeclaredOption(
        "keep-reported", .choice(["off", "on", "notice"]), default: "off",
        "what of the mark is left when a block is split: off: nothing; on: its parts have it, and two that merge; notice: "
          + "the host is told when a part is handed out",
        source: "off: 5.7; on: as PG_zeroed, M. Tsirkin, v5, May 2026; notice: virtio-pgalloc, research, 2026",
        implied: "off"),
      DeclaredOption(
        "flush", .integer(0...(1 << 32)), default: "0",
        "pages that a session reports at most, runs together; 0: all",
        source: "0: 5.7; the flush with a page budget: M. Tsirkin, v5, May 2026", implied: "0"),
      DeclaredOption(
        "budget", .integer(0...1_000_000), default: "0",
        "full reports of one list in a run; 0: what `share` says",
        source: "0: 5.7, a share of the free blocks; a fixed one: this project", implied: "0"),
      DeclaredOption(
        "trigger", .integer(0...(1 << 32)), default: "0",
        "pages of `order` or above that frees come to before they request a run; 0: the first free does",
        source: "0: 5.7; a threshold: Liang Li, v2, December 2020 and 20210106034715.GA1138, not merged", implied: "0"),
    ])

  static func form(_ options: OptionValues) -> any StrategyPasses.Type {
    switch options.choice("keep-reported") {
    case "on": KeepingPageReporting.self
    case "notice": NoticingPageReporting.self
    default: ReportingState(options).isBounded ? BoundedPageReporting.self : PageReporting.self
    }
  }

  struct Hooks: ReportingCycleHooks {
    let words: SharedWords.View
    let order: Int

    static var hasThreshold: Bool { false }
  }

  static var boundsHolds: Bool { false }

  var state: ReportingState

  init(_ options: OptionValues) {
    state = ReportingState(options)
    precondition(!state.isBounded, "options of another form")
  }
}

/// What hooks have in common that request a run of reporting.
protocol ReportingHooks: AllocatorHooks {
  /// See ``ReportingWords``.
  var words: SharedWords.View { get }
  /// The lowest order reported.
  var order: Int { get }

  /// Whether frees request a run only once they have come to as many pages as word ``ReportingWords/threshold`` says.
  static var hasThreshold: Bool { get }
}

/// The hooks of ``ReportingStrategy``, which need no more than this.
protocol ReportingCycleHooks: ReportingHooks {
  init(words: SharedWords.View, order: Int)
}

/// The words that hooks share with the worker. A strategy's own begin at ``own``.
enum ReportingWords {
  /// See ``ReportingRequest``.
  static let state = 0
  /// Pages; 0: the first free requests. On the state's line, which is only read while nothing is requested.
  static let threshold = 1
  /// The pages freed since the last request, on a line of their own: with a threshold every free writes there.
  static let freed = 8
  static let own = 16
}

extension ReportingHooks {
  /// Clears the flag of a block that leaves its list: if it comes back, it must be reported again. Of parts that stay on a
  /// list see ``AllocatorHooks/marks(_:)``.
  @inline(__always)
  func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {
    if page.isReported { page.setReported(false) }
  }

  /// page_reporting_notify_free()
  @inline(__always)
  func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {
    if order >= self.order && (!Self.hasThreshold || reachesThreshold(order: order)) { request() }
  }

  /// Counts a free, and returns whether the threshold is reached. What is freed below it stays unreported until more is
  /// freed: no source says otherwise. A block counts as it is after its merges, each time it is freed into.
  @inline(__always)
  func reachesThreshold(order: Int) -> Bool {
    let threshold = words[ReportingWords.threshold]
    if threshold == 0 { return true }
    if words[ReportingWords.state] == ReportingRequest.requested { return false }
    if words.add(ReportingWords.freed, 1 &<< order) < threshold { return false }
    words[ReportingWords.freed] = 0
    return true
  }

  /// __page_reporting_request(). If the device is idle, the caller queues the work; if it is active, the worker finds
  /// the request at its end.
  @inline(__always)
  func request() {
    // Most frees find it requested, and a read keeps the line shared.
    if words[ReportingWords.state] == ReportingRequest.requested { return }
    _ = words.exchange(ReportingWords.state, ReportingRequest.requested)
  }
}

extension PageReporting {
  typealias State = ReportingRequest
}

/// The device's state: word 0 of the shared words.
enum ReportingRequest {
  static let idle: UInt64 = 0
  static let requested: UInt64 = 1
  static let active: UInt64 = 2
}
