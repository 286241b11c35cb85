import Bench
import GuestMemory
import Instruments
import PageStates
import Records

/// Page states, the other published approach: the guest declares pages volatile, so that the host may discard what it
/// would otherwise write to swap.
///
/// A page cache in an eighth of the guest's memory runs a load in one mode: no states, stable and unused only, volatile
/// pages with changes at the sites of 2006, a change at every reference, and the detour through stable at free. One
/// pass is counted, with a host that takes frames; another is timed without the host, and so is one without states. Two
/// more modes are ways to find out whether a page was discarded. The guest's allocator isn't involved.
enum PageStatesExperiment: Experiment {
  static let card = ExperimentCard(
    name: "page-states",
    question: "what declaring page-cache pages volatile costs the guest, and how much swapping it saves the host",
    files: "runs.csv, cells.csv, page-states.csv", decisiveMetrics: ["cost_ratio"], guest: .size,
    suited: "none: no free memory is collected",
    options: [
      DeclaredOption(
        "mode", .choice(cacheModes + [bit, seqlock]), defaults: cacheModes + [bit, seqlock],
        "which states the guest declares, or how it detects that a page was discarded", source: "2006 thread, 3/9"),
      DeclaredOption(
        "range", .integer(1...4096), defaults: ["1", "16", "256"], "pages of a file or block in one request",
        source: "2006 thread: page_make_stable() of a range", onlyWith: .option("mode", cacheModes),
        column: "range_pages"),
      DeclaredOption(
        "listed", .integer(0...4096), defaults: ["0", "1", "16", "256"], "discarded pages on the seqlock's list",
        source: "2006 thread", onlyWith: .option("mode", [seqlock]), column: "listed_pages"),
    ],
    columns: PageStatesRecord.experimentColumns, suits: nil)

  private static let cacheModes = HintingMode.allCases.map(\.rawValue)
  private static let bit = "discard-bit"
  private static let seqlock = "discard-seqlock"

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var group = RunConfig.Group()
    group.guests = quick ? ["1G"] : ["1G", "8G"]
    return [group]
  }

  /// The most pages that the arrays are made for: 16 GiB.
  private static let mostPages = 1 << 22

  private static func pages(_ cell: Cell) -> Int { Int(cell.guestBytes >> 12) / 8 }

  static func obstacle(_ cell: Cell) -> String? {
    pages(cell) > mostPages ? "page-states takes guests up to 128G" : nil
  }

  /// The arrays are built, timed and counted in the mode itself and in the one without states.
  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double {
    HintingMode(rawValue: cell.options.choice("mode")) == nil ? 60e6 : Double(pages(cell)) * 6 * 4 * 65
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    var run = repetition.record
    let meter = DisturbanceMeter()
    let options = repetition.cell.options
    let record =
      if let mode = HintingMode(rawValue: options.choice("mode")) {
        try measureCache(mode, range: options.integer("range"), repetition, bench)
      } else {
        try measureReads(options)
      }
    run.trust.set([meter.reading()])
    run.found.outcome = .complete
    return RepetitionResult(
      run: run, zones: [], holds: [], holdSequence: nil, failure: nil, experiment: ExperimentRows(card, [record]))
  }

  private static func measureCache(
    _ mode: HintingMode, range: Int, _ repetition: Repetition, _ bench: Bench
  ) throws -> PageStatesRecord {
    let pages = pages(repetition.cell)
    let seed = bench.matrix.config.seed &+ UInt64(repetition.number)
    let frames = try PageFrames(pages: pages, filePages: 2 * pages, mode: .none)
    // The order alternates between repetitions, so that drift affects both alike.
    let modes: [HintingMode] = mode == .none ? [.none] : repetition.number % 2 == 0 ? [.none, mode] : [mode, .none]
    var times: [HintingMode: Double] = [:]
    for mode in modes { times[mode] = frames.time(mode, range: range, seed: seed, pagesHandled: 6 * pages) }
    let figures = frames.count(mode, range: range, seed: seed, pagesHandled: 6 * pages)
    let full = mode == .full ? figures : frames.count(.full, range: range, seed: seed, pagesHandled: 6 * pages)
    var record = PageStatesRecord(mode: mode.rawValue, rangePages: range)
    record.fill(figures, full: full)
    record.nsPerPage = times[mode]
    record.costRatio = ratio(times[mode], times[.none])
    if mode == .full { record.pairNs = try StateCosts.pair(range: range, rounds: max(200_000 / range, 1)) }
    return record
  }

  private static func measureReads(_ options: OptionValues) throws -> PageStatesRecord {
    let listed = options["listed"].flatMap { Int($0) }
    let reads = try StateCosts.reads(listed: listed ?? 0, rounds: (listed ?? 0) > 16 ? 20_000 : 200_000)
    var record = PageStatesRecord(mode: options.choice("mode"), listedPages: listed)
    if listed == nil {
      record.readNs = reads.bit
      record.bytesPerPage = DiscardList.bytesPerPageOfBit
    } else {
      record.readNs = reads.list
      record.costRatio = ratio(reads.list, reads.bit)
      record.bytesPerPage = DiscardList.bytesPerPage
    }
    return record
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
        "Which states the guest declares: none, light, full, every-get-put, full-via-volatile, full-without-put; or how "
        + "it detects that a page was discarded: discard-bit, discard-seqlock."),
    Column("range_pages", unit: "pages", \.rangePages, meaning: "Pages of a file or block in one request."),
    Column("listed_pages", unit: "pages", \.listedPages, meaning: "Discarded pages on the seqlock's list."),
    Column("pages_handled", unit: "pages", \.pagesHandled, meaning: "Pages requested while it was counted."),
    Column(
      "state_operations", direction: .lowerIsBetter, \.operations,
      meaning: "State operations issued, including those that changed nothing."),
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
      meaning: "Discarded pages that were noticed and removed; the others were freed before any access."),
    Column(
      "swap_ins", unit: "pages", direction: .lowerIsBetter, isPrimary: true, \.swapIns,
      meaning: "Accesses for which the host had to read its swap."),
    Column(
      "ns_per_page", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.nsPerPage,
      meaning: "Time per page requested, in a pass that counts nothing and has no other threads."),
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
      meaning: "Memory that detecting discards takes for each page that could be discarded."),
  ]
}
