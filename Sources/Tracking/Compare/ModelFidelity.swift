import Records
import Reporting

/// The model's runs held against runs of a real kernel: what each strategy found, and what it cost, in both.
///
/// Cells match by strategy, lowest order, cache state and free memory: the model's guest is a capture of the kernel's,
/// so that both have the same free blocks. Samples are paired in order: launches that took turns, or the repetitions of
/// one launch each.
public struct ModelFidelity: Sendable {
  /// A strategy on one guest.
  public struct Row: Sendable {
    /// The strategy as the kernel's run names it.
    public var strategy: String
    public var bytesFree: UInt64
    public var cache: String
    /// Medians; nil: not measured. A block of `allocator`, which finds none, is a page that it takes.
    public var blocks: Sides
    public var holds: Sides
    public var nsPerBlock: Sides
    public var returnNsPerBlock: Sides
    /// Of the whole session, giving back included; the model's simulated, the kernel's by icount.
    public var instructionsPerBlock: Sides
    /// The model's cost of a block over the kernel's, by pair; empty if one of the two wasn't measured.
    public var ratios: [Double]
    public var returnRatios: [Double]
    /// Of taking and giving back together.
    public var bothRatios: [Double]
  }

  /// A figure of both.
  public struct Sides: Sendable {
    public var model: Double?
    public var kernel: Double?
  }

  public var rows: [Row]
  /// What has no counterpart, a line each.
  public var unmatched: [String]
  /// `uname -r` of the kernel.
  public var kernel: String
  /// What ran it: column `source`.
  public var source: String

  /// How far the model's cost may be from the kernel's.
  public static let tolerance = 0.15

  /// Compares.
  ///
  /// - Throws: ``UserError`` of kind usage if a side isn't what it should be, or nothing matches.
  public init(model: [TrackedRun], kernel: [TrackedRun]) throws(UserError) {
    for run in kernel where !run.repetitions.allSatisfy({ Self.isReal($0) }) {
      throw .usage("\(run.name) isn't a run of a real kernel: expected compare --model MODEL KERNEL")
    }
    for run in model where run.repetitions.contains(where: Self.isReal) {
      throw .usage("\(run.name) isn't a run of the model: expected compare --model MODEL KERNEL")
    }
    let real = Self.cells(kernel)
    let modelled = Self.cells(model)
    self.kernel = kernel.first?.repetitions.first?.guest.kernelRules ?? ""
    source = kernel.first?.repetitions.first?.guest.source ?? ""
    rows = []
    unmatched = []
    for cell in real {
      if let own = modelled.first(where: { $0.matches(cell) }) {
        rows.append(Self.row(own, cell))
      } else {
        unmatched.append("\(cell.strategy): not in the model's run")
      }
    }
    if rows.isEmpty {
      throw .usage(
        "no cell of \(kernel.first?.name ?? "") has one in \(model.first?.name ?? ""): expected a run of the "
          + "capture that `hintbench kernel run` left in its folder")
    }
  }

  private static func isReal(_ run: RunRecord) -> Bool { run.guest.source.map { $0 != "model" } ?? false }

  /// The samples of a cell: a list of repetitions each.
  private struct Samples {
    var strategy: String
    var order: Int?
    var cache: String
    var bytesFree: UInt64
    var all: [[RunRecord]]

    /// Whether this is the kernel's strategy, with its options and perhaps others, in the same setting.
    func matches(_ kernel: Samples) -> Bool {
      let words = strategy.split(separator: ":")
      let wanted = kernel.strategy.split(separator: ":")
      return words.first == wanted.first && Set(words).isSuperset(of: wanted) && hasSetting(of: kernel)
    }

    func hasSetting(of other: Samples) -> Bool {
      order == other.order && cache == other.cache
        && abs(Double(bytesFree) / Double(max(1, other.bytesFree)) - 1) < 0.01
    }

    /// One value per sample: the median of its repetitions.
    func values(_ value: (RunRecord) -> Double?) -> [Double] {
      all.compactMap { MedianInterval.median(sorted: $0.compactMap(value).sorted()) }
    }
  }

  private static func cells(_ runs: [TrackedRun]) -> [Samples] {
    var cells: [Samples] = []
    for run in runs {
      let groups = Dictionary(grouping: run.repetitions, by: \.identity.cellID)
      for id in run.repetitions.map(\.identity.cellID).uniqued {
        guard let repetitions = groups[id]?.filter({ $0.found.outcome != .error }), let first = repetitions.first else {
          continue
        }
        // Of one launch the repetitions are the samples.
        let samples = runs.count > 1 ? [repetitions] : repetitions.map { [$0] }
        let cell = Samples(
          strategy: first.identity.strategy, order: first.guest.order, cache: first.load.cache,
          bytesFree: first.guest.bytesFree ?? 0, all: samples)
        if runs.count > 1,
          let known = cells.firstIndex(where: { $0.strategy == cell.strategy && $0.hasSetting(of: cell) })
        {
          cells[known].all += samples
        } else {
          cells.append(cell)
        }
      }
    }
    return cells
  }

  private static func row(_ model: Samples, _ kernel: Samples) -> Row {
    func sides(_ value: (RunRecord) -> Double?) -> Sides {
      Sides(
        model: MedianInterval.median(sorted: model.values(value).sorted()),
        kernel: MedianInterval.median(sorted: kernel.values(value).sorted()))
    }
    func ratios(_ value: (RunRecord) -> Double?) -> [Double] {
      zip(model.values(value), kernel.values(value)).compactMap { $1 > 0 ? $0 / $1 : nil }
    }
    func perBlock(_ value: @escaping (RunRecord) -> Double?) -> (RunRecord) -> Double? {
      { run in Self.blocks(run).flatMap { blocks in value(run).map { $0 / blocks } } }
    }
    let scan = perBlock { $0.speed.scanNs }
    let returning = perBlock { $0.speed.returnNs }
    return Row(
      strategy: kernel.strategy, bytesFree: kernel.bytesFree, cache: kernel.cache,
      blocks: sides { $0.found.blocksReported.map(Double.init) },
      holds: sides { $0.lock.acquisitions.map(Double.init) }, nsPerBlock: sides(scan),
      returnNsPerBlock: sides(returning),
      instructionsPerBlock: sides(
        perBlock { run in run.counters.instructions.map { Double($0 + (run.counters.returnInstructions ?? 0)) } }),
      ratios: ratios(scan),
      returnRatios: ratios(returning),
      bothRatios: ratios(perBlock { run in run.speed.returnNs.map { $0 + (run.speed.scanNs ?? 0) } }))
  }

  /// The blocks that a session's cost is shared out among.
  private static func blocks(_ run: RunRecord) -> Double? {
    if let blocks = run.found.blocksReported, blocks > 0 { return Double(blocks) }
    guard run.found.outcome == .complete else { return nil }
    let option = run.identity.strategy.split(separator: ":").first { $0.hasPrefix("pages=") }
    return option.flatMap { Double($0.dropFirst("pages=".count)) }
  }

  // MARK: text

  /// A table, and what it means.
  public var text: String {
    TableText.render(titles: table.titles, rows: table.rows, leftAligned: table.leftAligned) + "\n"
      + (notes + unmatched).joined(separator: "\n")
  }

  /// The page of a report: whether the states are equal, what the costs are, and what couldn't be compared.
  ///
  /// - Parameters:
  ///   - agreements: what `kernel check` found; empty: it wasn't asked.
  ///   - unavailable: what the kernel's runs couldn't measure, and why.
  package func section(
    _ agreements: [StateAgreement], unavailable: [RunMeta.Unavailable]
  ) -> ReportPage.Section {
    var lead = agreements.flatMap { found in
      [
        "\(found.text). A trace has \(found.operationsPerTrace) operations. Equal means that each handed out the same block, "
          + "and that at each checkpoint every list in its order, the counters, pageblocks and per-CPU lists were the same."
      ] + found.differences
    }
    if lead.isEmpty { lead = ["The states weren't compared: hintbench kernel check --json DIR/check.json does it."] }
    return ReportPage.Section(
      name: "kernel-\(kernel)-\(source)", title: "Does the kernel agree? Linux \(kernel), \(source)", lead: lead,
      tables: [table],
      notes: notes + (unmatched + unavailable.map { "\($0.what): \($0.why)" }).map { "Not compared: \($0)." })
  }

  private var table: TableContent {
    let titles = [
      "strategy", "free", "cache", "blocks model", "kernel", "holds model", "kernel", "ns/block model", "kernel",
      "ratio", "return ratio", "both",
    ]
    let counted = rows.contains { $0.instructionsPerBlock.kernel != nil }
    let cells = rows.map { row in
      [
        row.strategy, Figure.bytes(row.bytesFree), row.cache, Self.count(row.blocks.model),
        Self.count(row.blocks.kernel),
        Self.count(row.holds.model), Self.count(row.holds.kernel), Self.number(row.nsPerBlock.model),
        Self.number(row.nsPerBlock.kernel), Self.ratio(row.ratios), Self.ratio(row.returnRatios),
        Self.ratio(row.bothRatios),
      ] + (counted ? [Self.number(row.instructionsPerBlock.model), Self.number(row.instructionsPerBlock.kernel)] : [])
    }
    return TableContent(
      titles: titles + (counted ? ["instructions/block model", "kernel"] : []), rows: cells, leftAligned: [0, 2])
  }

  private var notes: [String] {
    let near = rows.count { MedianInterval.median(sorted: $0.ratios.sorted()).map(Self.isNear) ?? false }
    let measured = rows.count { !$0.ratios.isEmpty }
    return [
      "Linux \(kernel) against the model: \(near) of \(measured) strategies cost within 15 % of the kernel's.",
      "ratio: the model's time for a block over the kernel's, median of the pairs (lowest-highest); return ratio: the same "
        + "of giving blocks back; both: of the two together. * further off than 15 %. - means not measured.",
    ]
  }

  private static func isNear(_ ratio: Double) -> Bool { abs(ratio - 1) <= tolerance }

  private static func count(_ value: Double?) -> String { value.map { String(Int($0)) } ?? "-" }

  private static func number(_ value: Double?) -> String { value.map { Figure.number($0) } ?? "-" }

  private static func ratio(_ values: [Double]) -> String {
    let sorted = values.sorted()
    guard let median = MedianInterval.median(sorted: sorted), let low = sorted.first, let high = sorted.last else {
      return "-"
    }
    let mark = isNear(median) ? "" : "*"
    return "\(Figure.number(median))\(mark) (\(Figure.number(low))-\(Figure.number(high)))"
  }
}

extension Array where Element: Hashable {
  /// Its elements, each once, in the order of their first places.
  fileprivate var uniqued: [Element] {
    var known: Set<Element> = []
    return filter { known.insert($0).inserted }
  }
}
