import Records

/// What one setting of a design that reports costs the host and the guest's users, of a cell of `steady-state` by the
/// virtual clock: medians over its repetitions.
struct ReportingPoint: Sendable {
  /// The full name of the strategy.
  let strategy: String
  /// What the host has populated, and what somebody uses, on average over the window. Bytes.
  let hostBytes: Double
  let usedBytes: Double
  /// The length of the window. Nanoseconds.
  let windowNs: Double
  /// The share of the users' busy time that they spend on first touches of what the host took: 0 to 1. So much of what
  /// they get done without reporting is lost.
  let cost: MetricSummary
  /// What the host's answer adds to the allocation that 99 of 100 are no worse than; nil without allocations.
  /// Nanoseconds.
  let p99Ns: Double?
  /// The time until half, nine tenths and 99 % of what is free are with the host; nil if that isn't reached in every
  /// repetition. Nanoseconds.
  let reachedNs: [Double?]
  let reports: Double
  let splits: Double

  /// Creates a point from the rows of steady-state.csv of one cell; nil if they are by the real clock, without a load, or
  /// from before there were such columns.
  init?(strategy: String, _ rows: [[String: String]], _ costs: RefaultCosts) {
    func numbers(_ column: String) -> [Double] { rows.compactMap { $0[column].flatMap(Double.init) } }
    func median(_ column: String) -> Double? { MetricSummary(numbers(column)).median }
    guard let hostBytes = median("host_bytes_mean"), let usedBytes = median("used_bytes_mean"),
      let windowNs = median("window_ns"), let reports = median("batches"), let splits = median("host_splits")
    else { return nil }
    let shares = rows.compactMap { row -> Double? in
      guard let cost = Self.nanoseconds(row, "refaults", costs), let busy = row["busy_ns"].flatMap(Double.init),
        busy > 0
      else { return nil }
      return cost / (busy + cost)
    }
    guard shares.count == rows.count else { return nil }
    self.strategy = strategy
    self.hostBytes = hostBytes
    self.usedBytes = usedBytes
    self.windowNs = windowNs
    self.reports = reports
    self.splits = splits
    cost = MetricSummary(shares)
    p99Ns = MetricSummary(rows.compactMap { Self.nanoseconds($0, "p99_refaults", costs) }).median
    reachedNs = ["free_50_ns", "free_90_ns", "free_99_ns"].map { column in
      let times = numbers(column)
      return times.count == rows.count ? MetricSummary(times).median : nil
    }
  }

  private static func nanoseconds(_ row: [String: String], _ prefix: String, _ costs: RefaultCosts) -> Double? {
    func count(_ kind: String) -> Double? { row["\(prefix)_\(kind)"].flatMap(Double.init) }
    guard let small = count("4k"), let split = count("split"), let huge = count("2m") else { return nil }
    return costs.nanoseconds(small: small, split: split, huge: huge)
  }

  /// The median of ``cost``.
  var costShare: Double { cost.median ?? 0 }

  /// What the guest costs the host in the window. GiB x minutes.
  var gibMinutes: Double { hostBytes / 0x1p30 * windowNs / 60e9 }
}
