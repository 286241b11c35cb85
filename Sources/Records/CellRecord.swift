/// A cell over its repetitions: a row of `cells.csv`.
///
/// What was not measured is nil and stands as an empty field, never as 0.
public struct CellRecord: Hashable, Sendable {
  /// `run_id`.
  public var runID: String
  /// `cell_id`.
  public var cellID: String
  /// `experiment`.
  public var experiment: String
  /// `experiment_options`: values of the experiment's options.
  public var experimentOptions = ""
  /// `strategy`: the full name, options included.
  public var strategy: String
  /// `guest_bytes`. Bytes.
  public var guestBytes: UInt64
  /// `nodes`.
  public var nodes: Int?
  /// `state`: fresh, aged or captured; empty where only the size matters.
  public var state: String
  /// `list_order`.
  public var listOrder: String
  /// `granule_order`: above 0 the times of walking are lower bounds.
  public var granuleOrder: Int?
  /// `vmemmap_page_bytes`. Bytes.
  public var vmemmapPageBytes: Int?
  /// `order`: the lowest looked at.
  public var order: Int?
  /// `load`.
  public var load: String
  /// `mutators`.
  public var mutators: Int
  /// `oversubscribed`: kept, and left out of verdicts.
  public var oversubscribed: Bool
  /// `scan_node`: host node of the strategy's thread; nil if several.
  public var scanNode: Int?
  /// `memory_node`: host node of the guest's memory; nil if several.
  public var memoryNode: Int?
  /// `repetitions`: how many were summarised; those that ended in an error are not.
  public var repetitions: Int = 0
  /// The primary metrics by their column's name in `runs.csv`.
  public var metrics: [String: MetricSummary] = [:]
  /// `interval_confidence`: probability that an interval holds its median, 0...1; the lowest over the metrics, where
  /// some repetitions didn't measure all.
  public var intervalConfidence: Double?
  /// `limit_ns_per_block`: what this machine needs at least for a block, from its ladder of costs. ns a block.
  public var limitNsPerBlock: Double?
  /// `ns_per_block_to_limit`: median ns_per_block over the limit; 1 is as fast as this machine can.
  public var nsPerBlockToLimit: Double?
  /// `hold_limit_ns`: the longest hold asked for. ns.
  public var holdLimitNs: Double?
  /// `lock_hold_ns_max_repeatable`: the longest hold that every repetition had. ns.
  public var lockHoldNsMaxRepeatable: Double?
  /// `within_hold_limit`: whether the repeatable longest hold keeps the limit; nil if either is unknown.
  public var withinHoldLimit: Bool?
  /// `preempted_repetitions`: how many of `repetitions` have involuntary_switches above 0; nil if none was watched.
  public var preemptedRepetitions: Int?

  /// A cell with nothing measured yet.
  public init(
    runID: String,
    cellID: String,
    experiment: String,
    strategy: String,
    guestBytes: UInt64,
    nodes: Int?,
    state: String,
    listOrder: String,
    granuleOrder: Int?,
    vmemmapPageBytes: Int?,
    order: Int? = nil,
    load: String,
    mutators: Int,
    oversubscribed: Bool
  ) {
    self.runID = runID
    self.cellID = cellID
    self.experiment = experiment
    self.strategy = strategy
    self.guestBytes = guestBytes
    self.nodes = nodes
    self.state = state
    self.listOrder = listOrder
    self.granuleOrder = granuleOrder
    self.vmemmapPageBytes = vmemmapPageBytes
    self.order = order
    self.load = load
    self.mutators = mutators
    self.oversubscribed = oversubscribed
  }

  /// The summary of the primary metric with this name in `runs.csv`.
  public subscript(metric name: String) -> MetricSummary {
    get { metrics[name] ?? MetricSummary() }
    set { metrics[name] = newValue == MetricSummary() ? nil : newValue }
  }
}
