import Records

/// A row of delivery.csv: one action of the host, told of hints in one way.
struct DeliveryRecord: ExperimentRecord {
  static let fileName = "delivery.csv"
  static let blank = DeliveryRecord()
  static let keyColumns = 4

  var action = ""
  var hostPageBytes: Int?
  var notification = ""
  var exitNs = 0.0
  var outcome = ""
  var hints = 0
  var hintsPerSecond: Double?
  var msPerTiB: Double?
  var latencyNsP50: Double?
  var latencyNsP99: Double?
  var latencyNsMax: Double?
  var hintsStale: Int?
  var hintsDropped = 0
  var hintsRefused = 0
  var hintsIgnored = 0
  var hintsTooSmall = 0
  var bytes: UInt64 = 0
  var kicks = 0
  var exits = 0
  var wakeUps = 0
  var kicksPerTiB: Double?
  var exitsPerTiB: Double?
  var wakeUpsPerTiB: Double?
  var descriptorsPerTiB: Double?
  var driverCPUNs: Double?
  var hostCPUNs: Double?
  var bitmapUnitBytes: Int?

  /// Without times: above granule 0, times of strategies that give memory back are meaningless.
  var withoutTimes: DeliveryRecord {
    var counts = self
    counts.hintsPerSecond = nil
    counts.msPerTiB = nil
    counts.latencyNsP50 = nil
    counts.latencyNsP99 = nil
    counts.latencyNsMax = nil
    counts.driverCPUNs = nil
    counts.hostCPUNs = nil
    return counts
  }

  static let columns: [Column<DeliveryRecord>] = [
    Column("action", \.action, meaning: "What the host does with a block: none, bitmap, discard or punch."),
    Column(
      "host_page_bytes", unit: "bytes", \.hostPageBytes,
      meaning: "Page size of the memory that is given back; empty if none is."),
    Column(
      "notification", \.notification,
      meaning: "eventfd: the host sleeps until it is kicked; polled: it looks at the queue without end."),
    Column(
      "exit_ns", unit: "ns", \.exitNs,
      meaning: "Cost of a VM exit per kick the host asked for, besides the eventfd; a setting."),
    Column(
      "outcome", \.outcome, meaning: "How the session ended; stopped: the memory to give back was used up."),
    Column("hints", unit: "blocks", \.hints, meaning: "Hints acted on; repeated ones count again."),
    Column(
      "hints_per_second", unit: "1/s", direction: .higherIsBetter, \.hintsPerSecond,
      meaning: "Hints over the time from the session's start until the host had acted on the last."),
    Column(
      "delivered_ms_per_tib", unit: "ms/TiB", direction: .lowerIsBetter, isPrimary: true, \.msPerTiB,
      meaning: "That time for each TiB acted on, each byte counted once."),
    Column(
      "latency_ns_p50", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.latencyNsP50,
      meaning: "Median time from queueing a hint until the host had acted on it."),
    Column(
      "latency_ns_p99", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.latencyNsP99,
      meaning: "99th percentile of it."),
    Column("latency_ns_max", unit: "ns", direction: .lowerIsBetter, \.latencyNsMax, meaning: "Longest."),
    Column(
      "hints_stale", unit: "blocks", direction: .lowerIsBetter, isPrimary: true, \.hintsStale,
      meaning:
        "Hints whose block was no longer wholly free, or of a strategy that holds what it reports no longer held, "
        + "when the host acted."),
    Column(
      "hints_dropped", unit: "blocks", direction: .lowerIsBetter, isPrimary: true, \.hintsDropped,
      meaning: "Hints dropped because the queue was full."),
    Column(
      "hints_refused", unit: "blocks", direction: .lowerIsBetter, \.hintsRefused,
      meaning: "Times a block found the queue full, was freed, and others were tried."),
    Column(
      "hints_ignored", unit: "blocks", direction: .lowerIsBetter, \.hintsIgnored,
      meaning: "Hints that weren't of the host's session."),
    Column(
      "hints_too_small", unit: "blocks", direction: .lowerIsBetter, \.hintsTooSmall,
      meaning: "Hints smaller than a host page, of which nothing was given back."),
    Column("bytes", unit: "bytes", \.bytes, meaning: "Bytes acted on, each counted once."),
    Column(
      "kicks", direction: .lowerIsBetter, \.kicks,
      meaning: "Kicks by the strategy, whether or not the host asked for them."),
    Column("exits", direction: .lowerIsBetter, \.exits, meaning: "Kicks the host asked for: one VM exit each."),
    Column("wake_ups", direction: .lowerIsBetter, \.wakeUps, meaning: "Times the host slept and a kick woke it."),
    Column("kicks_per_tib", unit: "1/TiB", direction: .lowerIsBetter, \.kicksPerTiB, meaning: "Kicks per TiB."),
    Column(
      "exits_per_tib", unit: "1/TiB", direction: .lowerIsBetter, isPrimary: true, \.exitsPerTiB,
      meaning: "Kicks per TiB that the host asked for."),
    Column(
      "wake_ups_per_tib", unit: "1/TiB", direction: .lowerIsBetter, \.wakeUpsPerTiB, meaning: "Wake-ups per TiB."),
    Column(
      "descriptors_per_tib", unit: "1/TiB", direction: .lowerIsBetter, isPrimary: true, \.descriptorsPerTiB,
      meaning: "Queue entries per TiB."),
    Column(
      "driver_cpu_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.driverCPUNs,
      meaning: "CPU time of the guest's thread, return and VM exits included."),
    Column(
      "host_cpu_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.hostCPUNs,
      meaning: "CPU time of the host's thread meanwhile; a host that polls uses all there is."),
    Column(
      "bitmap_unit_bytes", unit: "bytes", \.bitmapUnitBytes,
      meaning: "Memory per bit of the migration bitmap; empty if there is none."),
  ]
}
