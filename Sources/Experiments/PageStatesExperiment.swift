import GuestMemory
import Instruments
import PageStates
import Records

/// The other design on the record: pages that the guest declares volatile, so that the host may discard what it would have
/// to write to swap.
///
/// A page cache in an eighth of the guest's memory under a load of users, in every mode: nothing said, stable and unused only, volatile
/// pages with changes at the sites of 2006, a change at every reference, and the detour through stable at free. One pass is
/// counted, with a host that takes frames; another is timed, with nobody beside. The guest's allocator has no part in it.
enum PageStatesExperiment: Experiment {
  static let card = ExperimentCard(
    name: "page-states",
    question: "what it costs a guest to declare pages volatile, and how much the host need not swap",
    files: "runs.csv, cells.csv, page-states.csv", decisiveMetric: "cost_ratio",
    suited: "none: no free memory is collected", columns: PageStatesRecord.experimentColumns, takesLoads: false,
    suits: { $0.goal == .none })

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var group = RunConfig.Group()
    group.guests = quick ? ["1G"] : ["1G", "8G"]
    group.states = ["fresh"]
    group.strategies = ["none"]
    return [group]
  }

  /// Pages of one wish.
  private static let ranges = [1, 16, 256]
  /// Pages on the list of discarded ones.
  private static let listed = [0, 1, 16, 256]
  /// 16 GiB: what the arrays are made for.
  private static let mostPages = 1 << 22

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    var run = repetition.record
    let pages = Int(repetition.cell.guest.bytes >> 12) / 8
    guard pages <= mostPages else {
      run.found.outcome = .error
      return RepetitionResult(
        run: run, zones: [], holds: [], holdSequence: nil, failure: "the page cache is modelled up to --guest 128G")
    }
    let seed = bench.matrix.config.seed &+ UInt64(repetition.number)
    let frames = try PageFrames(pages: pages, filePages: 2 * pages, mode: .none)
    let meter = DisturbanceMeter()
    var records: [PageStatesRecord] = []
    for range in ranges {
      // Which mode comes first changes with the repetition: drift hits all alike.
      let modes = HintingMode.allCases
      var times: [HintingMode: Double] = [:]
      for place in modes.indices {
        let mode = modes[(place + repetition.number) % modes.count]
        times[mode] = frames.time(mode, range: range, seed: seed, pagesHandled: 6 * pages)
      }
      let counts = modes.map { frames.count($0, range: range, seed: seed, pagesHandled: 6 * pages) }
      let full = modes.firstIndex(of: .full).map { counts[$0] }
      let pair = try StateCosts.pair(range: range, rounds: 200_000 / range)
      for (mode, figures) in zip(modes, counts) {
        var record = PageStatesRecord(mode: mode.rawValue, rangePages: range)
        record.fill(figures, full: full)
        record.nsPerPage = times[mode]
        record.costRatio = ratio(times[mode], times[.none])
        if mode == .full { record.pairNs = pair }
        records.append(record)
      }
    }
    for listed in listed {
      let reads = try StateCosts.reads(listed: listed, rounds: listed > 16 ? 20_000 : 200_000)
      var record = PageStatesRecord(mode: "discard-seqlock", listedPages: listed)
      record.readNs = reads.list
      record.costRatio = ratio(reads.list, reads.bit)
      record.bytesPerPage = DiscardList.bytesPerPage
      records.append(record)
      guard listed == 0 else { continue }
      record = PageStatesRecord(mode: "discard-bit")
      record.readNs = reads.bit
      record.bytesPerPage = DiscardList.bytesPerPageOfBit
      records.append(record)
    }
    run.trust.set([meter.reading()])
    run.found.outcome = .complete
    return RepetitionResult(
      run: run, zones: [], holds: [], holdSequence: nil, failure: nil, experiment: ExperimentRows(card, records))
  }

  private static func ratio(_ value: Double?, _ base: Double?) -> Double? {
    guard let value, let base, base > 0 else { return nil }
    return value / base
  }
}

/// A row of page-states.csv.
struct PageStatesRecord: ExperimentRecord {
  static let fileName = "page-states.csv"
  static let blank = PageStatesRecord()
  static let keyColumns = 3

  var mode = ""
  var rangePages: Int?
  var listedPages: Int?
  var pagesHandled: Int?
  var operations: Int?
  var changes: Int?
  var operationsPerPage: Double?
  var changesPerPage: Double?
  var operationsToFull: Double?
  var changesToFull: Double?
  var hits: Int?
  var readIns: Int?
  var discarded: Int?
  var swappedOut: Int?
  var discardedShare: Double?
  var framesFreed: Int?
  var discardFaults: Int?
  var discardedRemoved: Int?
  var swapIns: Int?
  var nsPerPage: Double?
  var costRatio: Double?
  var pairNs: Double?
  var readNs: Double?
  var bytesPerPage: Double?

  mutating func fill(_ figures: PageCacheFigures, full: PageCacheFigures?) {
    let counts = figures.counts
    pagesHandled = figures.pagesHandled
    operations = counts.operations
    changes = counts.changes
    operationsPerPage = Double(counts.operations) / Double(figures.pagesHandled)
    changesPerPage = Double(counts.changes) / Double(figures.pagesHandled)
    if let full, full.counts.changes > 0 {
      operationsToFull = Double(counts.operations) / Double(full.counts.operations)
      changesToFull = Double(counts.changes) / Double(full.counts.changes)
    }
    hits = figures.hits
    readIns = figures.readIns
    discarded = figures.discarded
    swappedOut = figures.preserved
    discardedShare = figures.discardedShare
    framesFreed = figures.freed
    discardFaults = counts.discardFaults
    discardedRemoved = counts.discardedRemoved
    swapIns = counts.swapIns
  }

  static let columns: [Column<PageStatesRecord>] = [
    Column(
      "mode", \.mode,
      meaning:
        "How much the guest tells: none, light, full, every-get-put, full-via-volatile, full-without-put; or how it finds out whether a "
        + "page was discarded: discard-bit, discard-seqlock."),
    Column("range_pages", unit: "pages", \.rangePages, meaning: "Pages of a file or block that one request is about."),
    Column("listed_pages", unit: "pages", \.listedPages, meaning: "Discarded pages on the seqlock's list."),
    Column("pages_handled", unit: "pages", \.pagesHandled, meaning: "Pages asked for while it was counted."),
    Column(
      "state_operations", direction: .lowerIsBetter, \.operations,
      meaning: "Operations on states issued, also those that changed nothing."),
    Column(
      "state_changes", direction: .lowerIsBetter, \.changes, meaning: "Of these, those that left another state."),
    Column(
      "operations_per_page", direction: .lowerIsBetter, isPrimary: true, \.operationsPerPage,
      meaning: "state_operations over pages_handled."),
    Column(
      "changes_per_page", direction: .lowerIsBetter, isPrimary: true, \.changesPerPage,
      meaning: "state_changes over pages_handled."),
    Column(
      "operations_to_full", unit: "ratio", direction: .lowerIsBetter, \.operationsToFull,
      meaning: "state_operations over those of full."),
    Column(
      "changes_to_full", unit: "ratio", direction: .lowerIsBetter, isPrimary: true, \.changesToFull,
      meaning: "state_changes over those of full."),
    Column("hits", unit: "pages", direction: .higherIsBetter, \.hits, meaning: "Pages of the file found in memory."),
    Column(
      "read_ins", unit: "pages", direction: .lowerIsBetter, isPrimary: true, \.readIns,
      meaning: "Pages read from the file, discarded ones again."),
    Column(
      "discarded", unit: "pages", \.discarded,
      meaning:
        "Pages with content that the host threw away; without page states it would have had to write them to swap."),
    Column(
      "swapped_out", unit: "pages", direction: .lowerIsBetter, \.swappedOut, meaning: "Pages the host wrote to swap."),
    Column(
      "discarded_share", unit: "share", direction: .higherIsBetter, isPrimary: true, \.discardedShare,
      meaning: "discarded over discarded and swapped_out."),
    Column(
      "frames_freed", unit: "pages", direction: .higherIsBetter, \.framesFreed,
      meaning: "Frames of unused pages that the host took."),
    Column(
      "discard_faults", direction: .lowerIsBetter, isPrimary: true, \.discardFaults,
      meaning: "Users' accesses to discarded pages."),
    Column(
      "discarded_removed", unit: "pages", direction: .lowerIsBetter, \.discardedRemoved,
      meaning: "Discarded pages that were noticed and removed; the others were freed before anybody looked."),
    Column(
      "swap_ins", unit: "pages", direction: .lowerIsBetter, isPrimary: true, \.swapIns,
      meaning: "Accesses for which the host had to read its swap."),
    Column(
      "ns_per_page", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.nsPerPage,
      meaning: "A page asked for, in a pass that counts nothing and with nobody beside."),
    Column(
      "cost_ratio", unit: "ratio", direction: .lowerIsBetter, isPrimary: true, \.costRatio,
      meaning: "ns_per_page over that of none; of discard-seqlock read_ns over that of discard-bit."),
    Column(
      "pair_ns", unit: "ns", direction: .lowerIsBetter, \.pairNs,
      meaning: "page_make_stable() and page_make_volatile() of one page, range_pages of them in a row."),
    Column(
      "read_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.readNs,
      meaning: "Asking whether a page that isn't discarded is."),
    Column(
      "bytes_per_page", unit: "bytes", direction: .lowerIsBetter, \.bytesPerPage,
      meaning: "What finding out takes for each page that could be discarded."),
  ]
}
