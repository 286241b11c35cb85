import Records

/// The results of a run as tables for a terminal: one for each guest and load, with a row for each cell.
///
/// Medians over the repetitions, each with its lowest and highest; what wasn't measured is `-`. Where threads allocated
/// meanwhile a second table says what they suffered, beside the hold and the cost that caused it.
public struct ResultTable {
  private let cells: [CellRecord]
  private let runs: [String: [RunRecord]]
  private let meta: RunMeta
  private let width: Int

  /// - Parameters:
  ///   - cells: the summaries, in the order of their rows.
  ///   - runs: their repetitions, in any order.
  ///   - meta: of the same run.
  ///   - width: columns of text to keep to: a wider table is split into several, one below the other. By default those of
  ///     the terminal.
  public init(cells: [CellRecord], runs: [RunRecord], meta: RunMeta, width: Int? = nil) {
    self.cells = cells
    self.runs = Dictionary(grouping: runs, by: \.identity.cellID)
    self.meta = meta
    self.width = width ?? TableText.width
  }

  /// The tables and what stands under them.
  public var text: String {
    var parts: [String] = []
    for section in sections {
      parts.append(wrap(section.heading) + "\n")
      for table in section.tables {
        let caption = table.caption.map { $0 + "\n" } ?? ""
        parts += rendered(table, caption: caption)
      }
      if !section.answer.isEmpty { parts.append(section.answer.map(wrap).joined(separator: "\n") + "\n") }
    }
    parts.append(notes.map(wrap).joined(separator: "\n"))
    return parts.joined(separator: "\n") + "\n"
  }

  /// The tables of one guest and load, the main one first.
  struct Section {
    var heading: String
    var tables: [TableContent]
    /// What the rows say, see ``ResultAnswer``.
    var answer: [String]
  }

  /// The tables, one section for each guest and load.
  var sections: [Section] {
    var groups: [(key: GuestKey, cells: [CellRecord])] = []
    for cell in cells {
      let key = GuestKey(cell, runs[cell.cellID]?.first)
      if let index = groups.firstIndex(where: { $0.key == key }) {
        groups[index].cells.append(cell)
      } else {
        groups.append((key, [cell]))
      }
    }
    return groups.map { group in
      Section(
        heading: heading(group.key, group.cells),
        tables: (measuresNothingHere(group.cells) ? outcomes(group.cells) : [results(group.cells)])
          + (group.cells.contains(where: hasBystanders) ? [bystanders(group.cells)] : [])
          + (group.cells.contains(where: hasCounts) ? [counts(group.cells)] : []),
        answer: answer(group.cells))
    }
  }

  /// The kernels whose rules cells followed, in their order.
  private func kernels(_ cells: [CellRecord]) -> [String] {
    var kernels: [String] = []
    for kernel in cells.map(kernel) where !kernels.contains(kernel) { kernels.append(kernel) }
    return kernels
  }

  private func kernel(_ cell: CellRecord) -> String { runs[cell.cellID]?.first?.guest.kernelRules ?? "" }

  /// What the rows say; of several kernels, each on its own.
  private func answer(_ cells: [CellRecord]) -> [String] {
    let kernels = kernels(cells)
    return kernels.flatMap { kernel in
      let own = cells.filter { self.kernel($0) == kernel }
      let lines = ResultAnswer(own, names: StrategyNames.withOptions(own)).lines
      return kernels.count == 1 ? lines : lines.map { "Linux \(kernel): \($0)" }
    }
  }

  // MARK: Heading

  /// What the cells of one table have in common.
  private struct GuestKey: Hashable {
    var experiment: String
    var bytes: UInt64
    var nodes: Int?
    var state: String
    var listOrder: String
    var granuleOrder: Int?
    var vmemmapPageBytes: Int?
    var load: String
    var mutators: Int
    var oversubscribed: Bool
    var cpus: Int?
    var lockKind: String?
    var pageInit: String?
    var cache: String?
    var hostAckNs: Double?

    init(_ cell: CellRecord, _ run: RunRecord?) {
      experiment = cell.experiment
      bytes = cell.guestBytes
      nodes = cell.nodes
      state = cell.state
      listOrder = cell.listOrder
      granuleOrder = cell.granuleOrder
      vmemmapPageBytes = cell.vmemmapPageBytes
      load = cell.load
      mutators = cell.mutators
      oversubscribed = cell.oversubscribed
      cpus = run?.guest.cpus
      lockKind = run?.guest.lockKind
      pageInit = run?.guest.pageInit
      cache = run?.load.cache
      hostAckNs = run?.load.hostAckNs
    }
  }

  private func heading(_ key: GuestKey, _ cells: [CellRecord]) -> String {
    let free = MetricSummary(cells.flatMap { runs[$0.cellID] ?? [] }.compactMap(\.guest.freeFraction)).median
    let granule = key.granuleOrder.map { order in
      order == 0 ? "granule 0 (exact)" : "granule \(order): times are lower bounds (≥)"
    }
    let kernels = kernels(cells)
    let parts: [String?] = [
      "\(Figure.bytes(key.bytes)) guest",
      kernels.count == 1 && !kernels[0].isEmpty && cells.allSatisfy(isModelled)
        ? "rules of Linux \(kernels[0])" : nil,
      key.state,
      free.map { "\(Figure.number($0 * 100)) % free" },
      key.listOrder.isEmpty ? nil : "\(key.listOrder) lists",
      granule,
      key.vmemmapPageBytes.map { "vmemmap in \(Figure.bytes(UInt64($0))) pages" },
      key.nodes.map { $0 == 1 ? "1 node" : "\($0) nodes" },
      key.cpus.map { $0 == 1 ? "1 CPU" : "\($0) CPUs" },
      sharedOrder(cells).map { "order \($0)" },
      key.lockKind.flatMap { $0.isEmpty ? nil : "\($0) lock" },
      key.cache.flatMap { $0.isEmpty ? nil : "\($0) cache" },
      key.pageInit.flatMap { $0 == "none" || $0.isEmpty ? nil : "page init at \($0)" },
      key.hostAckNs.flatMap { $0 == 0 ? nil : "host acknowledges in \(Figure.time(ns: $0))" },
      key.mutators == 0 ? nil : "load \(key.load) by \(key.mutators) threads",
      key.oversubscribed ? "OVERSUBSCRIBED: more measured threads than CPUs, excluded from verdicts" : nil,
    ]
    return "\(key.experiment): " + parts.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ", ")
  }

  // MARK: Tables

  /// A column of a table: its title and the field of each cell.
  private struct Part {
    var title: String
    var fields: [String]
  }

  private func results(_ cells: [CellRecord]) -> TableContent {
    // Sessions of a small guest take microseconds, of a large one many milliseconds.
    let costs = cells.compactMap { $0[metric: "guest_cpu_ns"].median }.sorted()
    let isShort = (MedianInterval.median(sorted: costs) ?? 0) < 1e6
    let cpu = isShort ? (title: "CPU µs", unit: 1e3) : (title: "CPU ms", unit: 1e6)
    func counts(_ title: String, _ path: KeyPath<RunRecord, Int?>) -> Part {
      Part(title: title, fields: cells.map { range(runs[$0.cellID] ?? [], path) })
    }
    let outcomes = cells.map(outcome)
    let seesAll = cells.allSatisfy { cell in
      let unused = cell[metric: "coverage_unused"].median
      return unused == nil || unused == cell[metric: "coverage_free"].median
    }
    /// A count of what most strategies have none of: no column if none of these has any.
    func counted(_ title: String, _ path: KeyPath<RunRecord, Int?>) -> Part? {
      let part = counts(title, path)
      return part.fields.allSatisfy { ["0", Figure.missing].contains($0) } ? nil : part
    }
    return table(
      cells,
      [
        // What all have in common stands in the heading.
        kernels(cells).count == 1 ? nil : Part(title: "kernel", fields: cells.map(kernel)),
        sharedOrder(cells) == nil
          ? Part(title: "order", fields: cells.map { $0.order.map(String.init) ?? Figure.missing }) : nil,
        times("ms/TiB", cells, "ms_per_tib", per: 1),
        Part(
          title: "x floor",
          fields: cells.map { bound($0, $0.nsPerBlockToLimit.map(Figure.number)) }),
        times(cpu.title, cells, "guest_cpu_ns", per: cpu.unit),
        // The same where nothing was on per-CPU lists.
        spread(seesAll ? "free %" : "lists %", cells, "coverage_free", per: 0.01),
        seesAll ? nil : spread("unused %", cells, "coverage_unused", per: 0.01),
        spread("hold µs", cells, per: 1e3, isTime: true, mark: holdMark) { $0.longestHold },
        Part(title: ">limit", fields: cells.map(exceeded)),
        Part(
          title: "own µs",
          fields: cells.map { cell in bound(cell, cell.lockHoldNsMaxOwn.map { Figure.number($0 / 1000) }) }),
        counts("holds", \.lock.acquisitions),
        counts("items", \.lock.itemsPerHoldMax),
        counted("dup.", \.found.blocksDuplicate),
        counted("missed", \.found.blocksMissed),
        counted("stale", \.found.blocksStale),
        counted("held", \.sideEffects.blocksWithheldMax),
        outcomes.allSatisfy { $0 == RunOutcome.complete.rawValue } ? nil : Part(title: "outcome", fields: outcomes),
      ].compactMap { $0 })
  }

  /// Whether the experiment's own table has all that was measured, but for the outcomes.
  private func measuresNothingHere(_ cells: [CellRecord]) -> Bool {
    let titles = results(cells).titles
    return !runs.isEmpty && titles.allSatisfy { ["strategy", "kernel", "order", "outcome"].contains($0) }
  }

  /// The outcomes that aren't complete. Cells that differ only in what has a column of the experiment's have the same name
  /// here, and those that say the same are one row.
  private func outcomes(_ cells: [CellRecord]) -> [TableContent] {
    var rows: [[String]] = []
    for (name, cell) in zip(StrategyNames.withOptions(cells), cells)
    where outcome(cell) != RunOutcome.complete.rawValue && !rows.contains([name, outcome(cell)]) {
      rows.append([name, outcome(cell)])
    }
    guard !rows.isEmpty else { return [] }
    return [
      TableContent(
        caption: "Not complete in every repetition:", titles: ["strategy", "outcome"], rows: rows, leftAligned: [0, 1])
    ]
  }

  private func isModelled(_ cell: CellRecord) -> Bool {
    (runs[cell.cellID]?.first?.guest.source ?? "model") == "model"
  }

  /// The lowest order looked at, if it is the same in all cells.
  private func sharedOrder(_ cells: [CellRecord]) -> Int? {
    let orders = Set(cells.map(\.order))
    return orders.count == 1 ? orders.first ?? nil : nil
  }

  /// Whether the cell says what threads beside it suffered: there were some, and at a granule of 0.
  private func hasBystanders(_ cell: CellRecord) -> Bool {
    ["mutator_ops_per_second", "mutator_alloc_ns_p99", "mutator_irqoff_ns_p99"]
      .contains { cell[metric: $0].median != nil }
  }

  private func bystanders(_ cells: [CellRecord]) -> TableContent {
    let lowest = cells.map { cell in (runs[cell.cellID] ?? []).compactMap(\.sideEffects.bytesFreeMin).min() }
    return table(
      cells,
      [
        kernels(cells).count == 1 ? nil : Part(title: "kernel", fields: cells.map(kernel)),
        spread("ops/s", cells, "mutator_ops_per_second", per: 1),
        times("alloc p99 µs", cells, "mutator_alloc_ns_p99", per: 1e3),
        times("irq-off p99 µs", cells, "mutator_irqoff_ns_p99", per: 1e3),
        Part(title: "failed", fields: cells.map { range(runs[$0.cellID] ?? [], \.bystanders.allocFailed) }),
        Part(
          title: "least free",
          fields: lowest.map { bytes in bytes.map { Figure.bytes(($0 >> 20) << 20) } ?? Figure.missing }),
        times("strategy wait p99 µs", cells, "lock_wait_ns_p99", per: 1e3),
        spread("strategy hold µs", cells, per: 1e3, isTime: true, mark: holdMark) { $0.longestHold },
        Part(title: ">limit", fields: cells.map(exceeded)),
        times("strategy CPU ms", cells, "guest_cpu_ns", per: 1e6),
      ].compactMap { $0 }, caption: "Load threads:")
  }

  /// Whether hardware events of the cell were counted.
  private func hasCounts(_ cell: CellRecord) -> Bool {
    (runs[cell.cellID] ?? []).contains { $0.counters.source != nil }
  }

  /// Hardware events of each session, as they are and for each block reported.
  private func counts(_ cells: [CellRecord]) -> TableContent {
    let events: [(title: String, count: (RunRecord) -> Int?)] = [
      ("instructions", \.counters.instructions), ("under the lock", \.lock.holdInstructionsTotal),
      ("returning", \.counters.returnInstructions), ("cycles", \.counters.cycles),
      ("L1D misses", \.counters.l1dMisses), ("L2 misses", \.counters.l2Misses),
      ("LLC misses", \.counters.llcMisses), ("dTLB misses", \.counters.dtlbMisses),
    ]
    let longest = cells.map { median($0) { $0.lock.holdInstructionsMax.map { Double($0) } } }
    func median(_ cell: CellRecord, _ value: (RunRecord) -> Double?) -> Double? {
      MetricSummary((runs[cell.cellID] ?? []).filter { $0.found.outcome != .error }.compactMap(value)).median
    }
    return table(
      cells,
      events.flatMap { event -> [Part] in
        let whole = cells.map { median($0) { event.count($0).map { Double($0) } } }
        let each = cells.map { cell in
          median(cell) { run in
            let blocks = (run.found.blocksReported ?? 0) - (run.found.blocksDuplicate ?? 0)
            return event.count(run).flatMap { blocks > 0 ? Double($0) / Double(blocks) : nil }
          }
        }
        return [
          Part(title: event.title, fields: whole.map { $0.map(Figure.count) ?? Figure.missing }),
          Part(title: "per block", fields: each.map { $0.map { Figure.number($0) } ?? Figure.missing }),
        ]
      } + [Part(title: "longest hold", fields: longest.map { $0.map(Figure.count) ?? Figure.missing })],
      caption: "Hardware events:")
  }

  private func table(_ cells: [CellRecord], _ all: [Part], caption: String? = nil) -> TableContent {
    // What an experiment measures for none of its cells has no column.
    let parts = runs.isEmpty ? all : all.filter { part in part.fields.contains { $0 != Figure.missing } }
    let titles = ["strategy"] + parts.map(\.title)
    let rows = zip(StrategyNames.withOptions(cells), cells.indices).map { name, index in
      [name] + parts.map { $0.fields[index] }
    }
    return TableContent(
      caption: caption, titles: titles, rows: rows,
      leftAligned: titles.last == "outcome" ? [0, titles.count - 1] : [0])
  }

  /// The table as text: in parts if it is too wide, and with long names of strategies on several lines.
  private func rendered(_ table: TableContent, caption: String) -> [String] {
    let wrapped = TableText.wrapNames(table.rows, width: max(Self.shortestName, width / 4))
    var parts = TableText.renderInParts(
      titles: table.titles, rows: wrapped, keys: 1, leftAligned: table.leftAligned, width: width)
    parts[0] = caption + parts[0]
    return parts
  }

  /// The longest name of a strategy without options.
  private static let shortestName = 29

  // MARK: Fields

  /// Times: as `spread`, and a lower bound in a guest whose granule isn't 0.
  private func times(_ title: String, _ cells: [CellRecord], _ metric: String, per unit: Double) -> Part {
    spread(title, cells, per: unit, isTime: true) { $0[metric: metric] }
  }

  private func spread(_ title: String, _ cells: [CellRecord], _ metric: String, per unit: Double) -> Part {
    spread(title, cells, per: unit) { $0[metric: metric] }
  }

  /// Medians with lowest and highest, the medians under each other. `mark`: what stands behind a cell's median.
  private func spread(
    _ title: String, _ cells: [CellRecord], per unit: Double, isTime: Bool = false,
    mark: (CellRecord) -> String = { _ in "" }, _ summary: (CellRecord) -> MetricSummary
  ) -> Part {
    let fields = cells.map { cell -> (median: String, spread: String) in
      guard let (median, range) = Figure.spread(summary(cell), per: unit) else { return (Figure.missing, "") }
      return ((isTime ? bound(cell, median) : median) + mark(cell), range)
    }
    let widest = fields.map(\.spread.count).max() ?? 0
    return Part(
      title: title,
      fields: fields.map { $0.median + $0.spread + String(repeating: " ", count: widest - $0.spread.count) })
  }

  private func holdMark(_ cell: CellRecord) -> String {
    switch cell.holdLimitVerdict {
    case .beyond: "!"
    case .notEnoughData: "?"
    case .within, nil: ""
    }
  }

  /// In how many of the repetitions that are judged a hold was beyond the limit: 3/9.
  private func exceeded(_ cell: CellRecord) -> String {
    guard let exceeded = cell.holdLimitExceeded, let judged = cell.holdLimitJudged else { return Figure.missing }
    return "\(exceeded)/\(judged)"
  }

  private func bound(_ cell: CellRecord, _ text: String?) -> String {
    text.map { (cell.granuleOrder ?? 0) > 0 ? "≥" + $0 : $0 } ?? Figure.missing
  }

  /// A count that was the same in every repetition, or its lowest and highest.
  private func range(_ runs: [RunRecord], _ path: KeyPath<RunRecord, Int?>) -> String {
    let values = runs.filter { $0.found.outcome != .error }.compactMap { $0[keyPath: path] }
    guard let lowest = values.min(), let highest = values.max() else { return Figure.missing }
    return lowest == highest ? "\(lowest)" : "\(lowest)–\(highest)"
  }

  private func outcome(_ cell: CellRecord) -> String {
    let runs = runs[cell.cellID] ?? []
    let outcomes = RunOutcome.allCases.filter { outcome in runs.contains { $0.found.outcome == outcome } }
    guard let first = outcomes.first else { return Figure.missing }
    let text =
      outcomes.count == 1
      ? first.rawValue
      : outcomes.map { outcome in "\(runs.count { $0.found.outcome == outcome }) \(outcome.rawValue)" }
        .joined(separator: ", ")
    return [text, Figure.preempted(cell)].compactMap { $0 }.joined(separator: " ")
  }

  // MARK: Footer

  /// What stands under the tables, a paragraph each.
  var notes: [String] {
    let titles = Set(sections.flatMap(\.tables).flatMap(\.titles))
    var lines = [
      """
      \(repetitions). Medians (lowest–highest repetition). A single count means that all repetitions agree. - means \
      not measured. Columns dup., missed, stale and held are left out where all are 0, and outcome where all are complete.
      """
    ]
    var legend: [String] = []
    for entry in Self.meanings where titles.contains(entry.title) && !legend.contains(entry.meaning) {
      legend.append(entry.meaning)
    }
    if !legend.isEmpty { lines.append(legend.joined(separator: " ")) }
    if Set(cells.map { [$0.scanNode, $0.memoryNode] }).count > 1 {
      lines.append("n→m: scanner on host node n, memory on host node m; ? if on several nodes.")
    }
    if cells.contains(where: { ($0.granuleOrder ?? 0) > 0 }) {
      lines.append("≥: lower bound (granule above 0); not comparable with times at granule 0.")
    }
    let marked = cells.compactMap(\.preemptedRepetitions).filter { $0 > 0 }
    if !marked.isEmpty {
      lines.append(
        """
        *N after an outcome: a measured thread was preempted in N repetitions (involuntary_switches in runs.csv). They \
        are kept: \(marked.reduce(0, +)) of \(cells.reduce(0) { $0 + $1.repetitions }) repetitions, in \(marked.count) \
        of \(cells.count) cells.
        """)
    }
    let limits = cells.compactMap(\.limitNsPerBlock)
    if let lowest = limits.min(), let highest = limits.max() {
      let low = Figure.number(lowest)
      let high = Figure.number(highest)
      lines.append(
        """
        This machine's floor: \(low == high ? low : "\(low)–\(high)") ns per block, for the footprint and list order \
        of each guest: a plain walk of the same lists. x floor: ratio of a block's cost to the floor. The walk is timed \
        as a session is, once per repetition, and scatters as much: a ratio somewhat below 1 is noise.
        """)
    } else if titles.contains("ms/TiB") {
      lines.append("This machine's floor was not measured.")
    }
    // Of experiments that measure holds.
    let holding = Set(cells.filter { $0.longestHold.median != nil }.map(\.experiment))
    let held = cells.filter { holding.contains($0.experiment) }
    if sections.contains(where: { !$0.answer.isEmpty }) {
      lines.append(
        """
        Answer: strategies by their medians. One is ahead of another only if their medians' intervals lie apart; the \
        line below names those that don't. `hintbench compare` tests two of them.
        """)
    }
    let holdLimits = Set(held.compactMap(\.holdLimitNs)).sorted()
    if !holdLimits.isEmpty {
      func count(_ verdict: HoldLimitVerdict?) -> Int { held.count { $0.holdLimitVerdict == verdict } }
      let parts = [
        (count(.within), "within"), (count(.beyond), "beyond (!)"), (count(.notEnoughData), "not enough data (?)"),
        (count(nil), "without a hold that was timed"),
      ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
      lines.append(
        """
        Hold limit: \(holdLimits.map { Figure.time(ns: $0) }.joined(separator: ", ")); of \(held.count) cells \
        \(parts.joined(separator: ", ")). Beyond: more than half of all sessions have a hold beyond the limit, at 95 % \
        confidence; within: fewer than half.
        """)
    }
    for item in meta.unavailable { lines.append("Not measured: \(item.what) (\(item.why)).") }
    if let first = meta.errors.first {
      lines.append("\(meta.errors.count) repetitions failed; first: \(first.reason) (see errors in meta.json).")
    }
    return lines
  }

  /// What columns are of which the title doesn't say all.
  private static let meanings: [(title: String, meaning: String)] = [
    ("ms/TiB", "ms/TiB: time to find and hand over the hints, per TiB reported (pass without probe)."),
    ("CPU ms", "CPU ms, CPU µs: CPU time of the strategy's thread, including returning blocks (pass without probe)."),
    ("CPU µs", "CPU ms, CPU µs: CPU time of the strategy's thread, including returning blocks (pass without probe)."),
    ("free %", "free %: share of the memory on the free lists, all orders, that was reported."),
    ("lists %", "lists %: share of the memory on the free lists, all orders, that was reported."),
    ("unused %", "unused %: share of all memory that nobody uses, per-CPU lists included, that was reported."),
    (
      "hold µs",
      "hold µs: a session's longest hold of zone->lock, without preempted ones (pass with probe, probe cost included)."
    ),
    (">limit", ">limit: repetitions with a hold beyond the limit, of those judged."),
    (
      "own µs",
      "own µs: the strategy's own longest hold, the highest of the medians of its first, second, ... hold."
    ),
    (
      "under the lock",
      "under the lock, longest hold: instructions of the holds of zone->lock, two clock reads each included."
    ),
    ("returning", "returning: instructions to give taken blocks back, not among the others."),
    ("items", "items: most list entries looked at in one hold."),
    ("dup.", "dup.: blocks reported again."),
    ("missed", "missed: blocks that stayed free and were never reported."),
    ("stale", "stale: reported blocks that were no longer wholly free at the end."),
    ("held", "held: most memory held off the free lists at once, in HPO blocks."),
  ]

  private var repetitions: String {
    let counts = cells.map(\.repetitions)
    guard let lowest = counts.min(), let highest = counts.max() else { return "No cells" }
    let each = lowest == highest ? "\(lowest)" : "\(lowest)–\(highest)"
    return "\(cells.count) cell\(cells.count == 1 ? "" : "s") of \(each) repetition\(highest == 1 ? "" : "s") each"
  }

  /// Breaks a text at spaces so that no line is wider than the table may be.
  private func wrap(_ text: String) -> String { TableText.wrap(text, width: width).joined(separator: "\n") }
}
