extension CellRecord: TabularRecord {
  /// `cells.csv`.
  public static var fileName: String { "cells.csv" }

  /// A record without values.
  public static var blank: CellRecord { CellRecord() }

  /// The columns of `cells.csv` in order: the cell, five for each primary metric of ``RunRecord/columns`` in their
  /// order, the limits and floors to judge them by, and the placement.
  public static let columns: [Column<CellRecord>] =
    identityColumns + RunRecord.columns.filter(\.isPrimary).flatMap(metricColumns) + verdictColumns + placementColumns
    + laterColumns

  private static let identityColumns: [Column<CellRecord>] = [
    Column("run_id", \.runID, meaning: "The run this row belongs to."),
    Column("cell_id", \.cellID, meaning: "The cell."),
    Column("experiment", \.experiment, meaning: "Name of the experiment."),
    Column("strategy", \.strategy, meaning: "Full name of the strategy, options included."),
    Column("guest_bytes", unit: "bytes", \.guestBytes, meaning: "Size of the guest."),
    Column("nodes", \.nodes, meaning: "NUMA nodes of the guest."),
    Column("state", \.state, meaning: "Initial state of the guest: fresh, aged or captured."),
    Column("list_order", \.listOrder, meaning: "Order of the free lists: ascending, churned or shuffled."),
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
      meaning: "Longest repeatable hold: max over holds k of the min over repetitions of hold k."),
    Column(
      "within_hold_limit", \.withinHoldLimit,
      meaning: "Whether lock_hold_ns_max_repeatable keeps hold_limit_ns."),
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

  private static func metricColumns(of metric: Column<RunRecord>) -> [Column<CellRecord>] {
    func column(
      _ suffix: String, _ part: any WritableKeyPath<MetricSummary, Double?> & Sendable, _ meaning: String
    ) -> Column<CellRecord> {
      Column(
        "\(metric.name)_\(suffix)", unit: metric.unit, direction: metric.direction,
        meaning: "\(meaning) \(metric.name) over the repetitions.",
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
