extension CellRecord: TabularRecord {
  /// `cells.csv`.
  public static var fileName: String { "cells.csv" }

  /// A record without values.
  public static var blank: CellRecord { CellRecord() }

  /// The columns of `cells.csv` in order: the cell, five for each primary metric of ``RunRecord/columns`` in their
  /// order, the limits and floors to judge them by, and the placement.
  public static let columns: [Column<CellRecord>] =
    identityColumns + metricColumns(through: 3) + verdictColumns + placementColumns + laterColumns
    + metricColumns(after: 3) + holdColumns

  /// The summaries of primary metrics that schema_version 3 had, and of those that came later.
  private static func metricColumns(through schema: Int) -> [Column<CellRecord>] {
    RunRecord.columns.filter { $0.isPrimary && $0.since <= schema }.flatMap(metricColumns)
  }
  private static func metricColumns(after schema: Int) -> [Column<CellRecord>] {
    RunRecord.columns.filter { $0.isPrimary && $0.since > schema }.flatMap(metricColumns)
  }

  private static let identityColumns: [Column<CellRecord>] = [
    Column("run_id", \.runID, meaning: "The run this row belongs to."),
    Column("cell_id", \.cellID, meaning: "The cell."),
    Column("experiment", \.experiment, meaning: "Name of the experiment."),
    Column("strategy", \.strategy, meaning: "Full name of the strategy, options included."),
    Column("guest_bytes", unit: "bytes", \.guestBytes, meaning: "Size of the guest."),
    Column("nodes", \.nodes, meaning: "NUMA nodes of the guest."),
    Column("state", \.state, meaning: "Initial state of the guest, as in runs.csv."),
    Column(
      "list_order", \.listOrder,
      meaning: "Order of the free lists: ascending, churned or shuffled; captured: as a kernel had them."),
    Column(
      "granule_order", \.granuleOrder,
      meaning: "One struct page for each 2^order pages; above 0 walking times are lower bounds."),
    Column("vmemmap_page_bytes", unit: "bytes", \.vmemmapPageBytes, meaning: "Page size the vmemmap is mapped with."),
    Column("order", \.order, meaning: "Lowest order looked at."),
    Column("load", \.load, meaning: "Load of the mutators: none, order0, thp, mixed, faults or compile."),
    Column("mutators", unit: "threads", \.mutators, meaning: "Threads that allocate and free meanwhile."),
    Column("oversubscribed", \.oversubscribed, meaning: "More measured threads than CPUs: excluded from verdicts."),
    Column("repetitions", \.repetitions, meaning: "Repetitions summarised."),
  ]

  private static let verdictColumns: [Column<CellRecord>] = [
    Column(
      "interval_confidence", unit: "share", \.intervalConfidence,
      meaning: "Probability that an interval holds its median; the lowest over the metrics."),
    Column(
      "limit_ns_per_block", unit: "ns/block", \.limitNsPerBlock,
      meaning: "The floor: what a plain C walk over the same lists takes per block."),
    Column(
      "ns_per_block_to_limit", unit: "ratio", direction: .lowerIsBetter, \.nsPerBlockToLimit,
      meaning: "Median ns_per_block over the floor."),
    Column(
      "hold_limit_ns", unit: "ns", \.holdLimitNs,
      meaning: "The limit on the length of a hold, as set with --hold-limit."),
    Column(
      "lock_hold_ns_max_repeatable", unit: "ns", direction: .lowerIsBetter, \.lockHoldNsMaxRepeatable,
      meaning: "Former headline, kept for a release: max over holds k of the min over repetitions of hold k. It falls "
        + "with every repetition."),
    Column(
      "within_hold_limit", \.withinHoldLimit,
      meaning: "Former verdict, kept for a release: whether lock_hold_ns_max_repeatable keeps hold_limit_ns."),
    Column(
      "preempted_repetitions", \.preemptedRepetitions,
      meaning: "Of the repetitions, those whose involuntary_switches are above 0: kept, and marked."),
  ]

  private static let placementColumns: [Column<CellRecord>] = [
    Column("scan_node", \.scanNode, meaning: "Host node of the strategy's thread; empty if several."),
    Column("memory_node", \.memoryNode, meaning: "Host node of the guest's memory; empty if several."),
  ]

  /// Columns added after a schema_version was fixed; they come last.
  private static let laterColumns: [Column<CellRecord>] = [
    Column(
      "experiment_options", \.experimentOptions,
      meaning: "Values of the experiment's options, OPTION=VALUE with colons between.", since: 3)
  ]

  private static let holdColumns: [Column<CellRecord>] = [
    Column(
      "hold_limit_judged", unit: "repetitions", \.holdLimitJudged,
      meaning:
        "Repetitions whose longest hold is held against hold_limit_ns: those with lock_hold_ns_max_undisturbed, or "
        + "all if none has it.", since: 4),
    Column(
      "hold_limit_exceeded", unit: "repetitions", direction: .lowerIsBetter, \.holdLimitExceeded,
      meaning: "Of these, repetitions with a hold beyond hold_limit_ns.", since: 4),
    Column(
      "hold_limit_exceeded_share_low", unit: "share", \.holdLimitExceededShareLow,
      meaning: "Share of sessions with such a hold: at least this, at 95 % (Clopper and Pearson).", since: 4),
    Column(
      "hold_limit_exceeded_share_high", unit: "share", \.holdLimitExceededShareHigh,
      meaning: "Share of sessions with such a hold: at most this, at 95 %.", since: 4),
    Column(
      "hold_limit_verdict", \.holdLimitVerdict,
      meaning:
        "within: fewer than half of all sessions have such a hold, by the upper bound; beyond: more than half, by "
        + "the lower; else not-enough-data.", since: 4),
    Column(
      "lock_hold_ns_max_own", unit: "ns", direction: .lowerIsBetter, \.lockHoldNsMaxOwn,
      meaning:
        "The strategy's own longest hold: max over holds k of the median over repetitions of hold k; empty under a "
        + "load.", since: 4),
  ]

  private static func metricColumns(of metric: Column<RunRecord>) -> [Column<CellRecord>] {
    func column(
      _ suffix: String, _ part: any WritableKeyPath<MetricSummary, Double?> & Sendable, _ meaning: String
    ) -> Column<CellRecord> {
      Column(
        "\(metric.name)_\(suffix)", unit: metric.unit, direction: metric.direction,
        meaning: "\(meaning) \(metric.name) over the repetitions.", since: metric.since,
        get: { [name = metric.name] in $0[metric: name][keyPath: part] },
        set: { [name = metric.name] in $0[metric: name][keyPath: part] = $1 })
    }
    return [
      column("median", \.median, "Median of"),
      column("lowest", \.lowest, "Lowest of"),
      column("highest", \.highest, "Highest of"),
      column("interval_low", \.intervalLow, "Lower end of the interval of the median of"),
      column("interval_high", \.intervalHigh, "Upper end of the interval of the median of"),
    ]
  }
}
