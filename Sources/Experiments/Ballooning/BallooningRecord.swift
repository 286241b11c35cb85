import Ballooning
import Instruments
import Records

/// A row of ballooning.csv.
struct BallooningRecord: ExperimentRecord {
  static let fileName = "ballooning.csv"
  static let blank = BallooningRecord(BalloonSetup(kind: .order0, listing: .page, mobility: .movable))
  static let keyColumns = 3

  var kind: BalloonKind
  var listing: BalloonListing
  var mobility: BalloonSetup.Mobility
  var movedBytes: UInt64?
  var inflateGiBPerSecond: Double?
  var deflateGiBPerSecond: Double?
  var kicks: Int?
  var holds: Int?
  var pagesPerHoldMax: Int?
  var inflateHoldNsP50: Double?
  var inflateHoldNsP99: Double?
  var inflateHoldNsMax: Double?
  var deflateHoldNsP50: Double?
  var deflateHoldNsP99: Double?
  var deflateHoldNsMax: Double?
  var barrierNs: Double?
  var mixedBytes: UInt64?
  var balloonBytes: UInt64?
  var keptBytes: UInt64?
  var hugeBefore: Int?
  var hugeInflated: Int?
  var hugeCompacted: Int?
  var hugeFreeShare: Double?
  var balloonPagesMoved: Int?
  var otherPagesMoved: Int?
  var compactionKicks: Int?
  var compactionNs: Double?
  var deflatePagesPerSecond: Double?
  var contendedDeflateRatio: Double?
  var isolatePagesPerSecond: Double?
  var contendedIsolateRatio: Double?
  var isolateFailedShare: Double?
  var contendedWaitNsP99: Double?

  init(_ setup: BalloonSetup) {
    kind = setup.kind
    listing = setup.listing
    mobility = setup.mobility
  }

  static let columns: [Column<BallooningRecord>] = [
    Column("kind", \.kind, meaning: "Allocation unit of the balloon: order0, 2m (order 9) or hpo (order 10)."),
    Column(
      "enqueue", \.listing,
      meaning: "page: a hold of pages_lock for each page that comes or goes; list: one for a batch of 256."),
    Column(
      "movable", \.mobility,
      meaning:
        "movable: compaction moves the balloon's pages; pinned: the same pages, not moved; unmovable: allocated "
        + "unmovable."
    ),
    Column("moved_bytes", unit: "bytes", \.movedBytes, meaning: "Taken and given back to measure speed and holds."),
    Column(
      "inflate_gib_per_second", unit: "GiB/s", direction: .higherIsBetter, isPrimary: true, \.inflateGiBPerSecond,
      meaning: "moved_bytes over the time to allocate, enqueue and tell them; the host is ideal and costs nothing."),
    Column(
      "deflate_gib_per_second", unit: "GiB/s", direction: .higherIsBetter, isPrimary: true, \.deflateGiBPerSecond,
      meaning: "The same of dequeuing, telling and freeing."),
    Column("balloon_kicks", direction: .lowerIsBetter, \.kicks, meaning: "Messages for it: a kick and a wait each."),
    Column("holds", \.holds, meaning: "Times pages_lock was taken for it."),
    Column(
      "pages_per_hold_max", \.pagesPerHoldMax, meaning: "Most entries put on the list, taken off or skipped in one."),
    Column(
      "inflate_hold_ns_p50", unit: "ns", direction: .lowerIsBetter, \.inflateHoldNsP50,
      meaning: "Median hold of pages_lock while inflating."),
    Column(
      "inflate_hold_ns_p99", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.inflateHoldNsP99,
      meaning: "99th percentile of them."),
    Column("inflate_hold_ns_max", unit: "ns", direction: .lowerIsBetter, \.inflateHoldNsMax, meaning: "Longest."),
    Column(
      "deflate_hold_ns_p50", unit: "ns", direction: .lowerIsBetter, \.deflateHoldNsP50,
      meaning: "Median hold of pages_lock while deflating."),
    Column(
      "deflate_hold_ns_p99", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.deflateHoldNsP99,
      meaning: "99th percentile of them."),
    Column("deflate_hold_ns_max", unit: "ns", direction: .lowerIsBetter, \.deflateHoldNsMax, meaning: "Longest."),
    Column(
      "barrier_ns", unit: "ns", direction: .lowerIsBetter, \.barrierNs,
      meaning: "smp_wmb(); empty on x86-64, where it is no instruction."),
    Column(
      "mixed_bytes", unit: "bytes", \.mixedBytes,
      meaning: "Memory that balloon and tenant took, page by page among each other, before the tenant left."),
    Column("balloon_bytes", unit: "bytes", \.balloonBytes, meaning: "The balloon's part of it."),
    Column(
      "kept_bytes", unit: "bytes", \.keptBytes, meaning: "Memory the tenant left in use, in single movable pages."),
    Column("huge_before", unit: "blocks", isPrimary: true, \.hugeBefore, meaning: "2 MiB blocks free at the start."),
    Column(
      "huge_inflated", unit: "blocks", direction: .higherIsBetter, isPrimary: true, \.hugeInflated,
      meaning: "2 MiB blocks free once the balloon is inflated and the tenant has left."),
    Column(
      "huge_compacted", unit: "blocks", direction: .higherIsBetter, isPrimary: true, \.hugeCompacted,
      meaning: "2 MiB blocks free after a pass of compaction over every zone."),
    Column(
      "huge_free_share", unit: "share", direction: .higherIsBetter, isPrimary: true, \.hugeFreeShare,
      meaning: "The share of free memory that then lies in 2 MiB blocks."),
    Column("balloon_pages_moved", \.balloonPagesMoved, meaning: "Pages of the balloon that compaction moved."),
    Column("other_pages_moved", \.otherPagesMoved, meaning: "Pages of the tenant that it moved."),
    Column(
      "compaction_kicks", direction: .lowerIsBetter, \.compactionKicks,
      meaning: "Messages to the host for pages that were moved: two each."),
    Column(
      "compaction_ns", unit: "ns", direction: .lowerIsBetter, \.compactionNs,
      meaning: "The passes over all zones; page contents aren't copied."),
    Column(
      "deflate_pages_per_second", unit: "1/s", direction: .higherIsBetter, \.deflatePagesPerSecond,
      meaning: "Pages given back and taken again, in batches of 64, by a thread alone."),
    Column(
      "contended_deflate_ratio", direction: .higherIsBetter, isPrimary: true, \.contendedDeflateRatio,
      meaning: "The same while another thread isolates pages and puts them back, over that alone."),
    Column(
      "isolate_pages_per_second", unit: "1/s", direction: .higherIsBetter, \.isolatePagesPerSecond,
      meaning: "Pages isolated and put back by a thread alone."),
    Column(
      "contended_isolate_ratio", direction: .higherIsBetter, isPrimary: true, \.contendedIsolateRatio,
      meaning: "The same while another thread deflates and inflates, over that alone."),
    Column(
      "isolate_failed_share", unit: "share", \.isolateFailedShare,
      meaning: "Failed tries to isolate meanwhile: the page was locked or being released."),
    Column(
      "contended_wait_ns_p99", unit: "ns", direction: .lowerIsBetter, \.contendedWaitNsP99,
      meaning: "99th percentile of the deflating thread's waits for pages_lock while the other runs."),
  ]
}
