import Foundation

/// One repetition of a cell: a row of `runs.csv`. ``columns`` documents the values.
///
/// Unmeasured values are nil and stand as empty fields, never as 0.
public struct RunRecord: Hashable, Sendable {
  public var identity = Identity()
  public var guest = Guest()
  public var load = Load()
  public var found = Found()
  public var sideEffects = SideEffects()
  public var lock = Lock()
  public var speed = Speed()
  public var delivery = Delivery()
  public var bystanders = Bystanders()
  public var counters = Counters()
  public var trust = Trust()

  /// Creates a record without values.
  public init() {}

  /// Whether a measured thread was preempted; nil if this wasn't watched. Such a repetition is kept and marked.
  public var isPreempted: Bool? { trust.involuntarySwitches.map { $0 > 0 } }

  /// The run, cell and repetition of a row.
  public struct Identity: Hashable, Sendable {
    public var runID = ""
    public var cellID = ""
    public var time = Date(timeIntervalSince1970: 0)
    public var commit: String?
    public var branch: String?
    public var host = ""
    public var experiment = ""
    public var experimentOptions = ""
    public var strategy = ""
    public var repetition = 0
    public var seed: UInt64 = 0

    public init() {}
  }

  /// The modelled guest at the start of the repetition, and the strategy's options in force.
  public struct Guest: Hashable, Sendable {
    public var bytes: UInt64 = 0
    public var nodes: Int?
    public var cpus: Int?
    public var zones: Int?
    public var granuleOrder: Int?
    public var vmemmapPageBytes: Int?
    public var lockKind = ""
    public var pageInit = ""
    public var state = ""
    public var listOrder = ""
    public var listAdjacent: Double?
    public var freeFraction: Double?
    public var bytesFree: UInt64?
    public var order: Int?
    public var budget: Int?
    public var bufferBytes: UInt64?
    public var kernelRules: String?
    public var watermarks: String?
    public var pageBytes: Int?
    public var source: String?

    public init() {}
    /// Creates a guest of which only the size is known.
    public init(bytes: UInt64) { self.bytes = bytes }

    /// Whether its lists are in the default order of its state.
    public var hasNaturalListOrder: Bool { listOrder == Self.naturalListOrder(of: state) }

    /// The default list order of a guest in this state, as in column list_order.
    public static func naturalListOrder(of state: String) -> String {
      state.hasPrefix("aged") ? "churned" : "ascending"
    }
  }

  /// The load beside the strategy, and the placement of threads and memory.
  public struct Load: Hashable, Sendable {
    public var kind = ""
    public var mutators = 0
    public var oversubscribed = false
    public var cache = ""
    public var hostAckNs: Double?
    public var scanCPU: Int?
    public var scanNode: Int?
    public var memoryNode: Int?

    public init() {}
  }

  /// What the strategy found, checked against the guest's actual state.
  public struct Found: Hashable, Sendable {
    public var outcome = RunOutcome.error
    public var blocksFree: Int?
    public var blocksReported: Int?
    public var blocksDuplicate: Int?
    public var blocksMissed: Int?
    public var blocksStale: Int?
    public var bytesReported: UInt64?
    public var coverage: Double?
    public var coverageFree: Double?
    public var restarts: Int?
    public var coverageUnused: Double?
    public var bytesPCP: UInt64?

    public init() {}
    /// Creates an entry with only the session's outcome.
    public init(outcome: RunOutcome) { self.outcome = outcome }
  }

  /// The strategy's effects on the guest while it ran.
  public struct SideEffects: Hashable, Sendable {
    public var blocksWithheldMax: Int?
    public var withheldByteSeconds: Double?
    public var bytesFreeMin: UInt64?

    public init() {}
  }

  /// The holds of the zone locks by the strategy's thread, and its waits for them. A hold includes the clock's cost.
  public struct Lock: Hashable, Sendable {
    public var acquisitions: Int?
    public var itemsPerHoldMax: Int?
    public var holdNsMean: Double?
    public var holdNsP50: Double?
    public var holdNsP99: Double?
    public var holdNsP999: Double?
    public var holdNsMax: Double?
    public var holdNsTotal: Double?
    public var waitNsP99: Double?
    public var waitNsMax: Double?
    public var holdNsMaxUndisturbed: Double?
    public var holdsPreempted: Int?
    public var holdNsWeightedMean: Double?
    public var arrivalWaitNs: Double?
    public var holdInstructionsP50: Int?
    public var holdInstructionsMax: Int?
    public var holdInstructionsTotal: Int?

    /// The longest hold that can be the strategy's own: without preempted ones, or of all if the host couldn't tell or
    /// the run is older than the evidence. ns.
    public var longestHold: Double? { holdNsMaxUndisturbed ?? (holdsPreempted == nil ? holdNsMax : nil) }

    public init() {}
    /// Creates an entry with counts only, if holds aren't timed.
    public init(acquisitions: Int?, itemsPerHoldMax: Int?) {
      self.acquisitions = acquisitions
      self.itemsPerHoldMax = itemsPerHoldMax
    }
  }

  /// The cost of the session, from the pass without a probe.
  public struct Speed: Hashable, Sendable {
    public var scanNs: Double?
    public var msPerTiB: Double?
    public var nsPerBlock: Double?
    public var blocksPerSecond: Double?
    public var gibPerSecond: Double?
    public var guestCPUNs: Double?
    public var returnNs: Double?
    public var bufferAllocNs: Double?
    public var bufferFreeNs: Double?
    public var pageInitNs: Double?

    public init() {}
  }

  /// The traffic between the guest and its host.
  public struct Delivery: Hashable, Sendable {
    public var kicks: Int?
    public var descriptors: Int?

    public init() {}
    /// Creates an entry.
    public init(kicks: Int?, descriptors: Int?) {
      self.kicks = kicks
      self.descriptors = descriptors
    }
  }

  /// The mutators' operations and latencies. Irq-off time is a wait plus the mutator's own hold.
  public struct Bystanders: Hashable, Sendable {
    public var opsPerSecond: Double?
    public var allocNsP50: Double?
    public var allocNsP99: Double?
    public var allocNsP999: Double?
    public var allocNsMax: Double?
    public var irqoffNsP99: Double?
    public var irqoffNsP999: Double?
    public var irqoffNsMax: Double?
    public var waitNsTotal: Double?
    public var allocFailed: Int?

    public init() {}
  }

  /// Hardware events of the strategy's thread, and their source.
  public struct Counters: Hashable, Sendable {
    public var cycles: Int?
    public var instructions: Int?
    public var l1dMisses: Int?
    public var l2Misses: Int?
    public var llcMisses: Int?
    public var dtlbMisses: Int?
    public var source: String?
    public var returnInstructions: Int?

    public init() {}
  }

  /// Disturbances of the machine during the repetition.
  public struct Trust: Hashable, Sendable {
    public var noiseNsP999: Double?
    public var noiseNsMax: Double?
    public var involuntarySwitches: Int?
    public var minorFaults: Int?
    public var stealNs: Double?
    public var runDelayNs: Double?

    public init() {}
  }
}

extension RunRecord {
  /// A preempted longest hold as far as it says on which side of a limit the strategy's own was: within if it is even
  /// with the preemption, beyond if it is even without all the time that the thread waited for a CPU; else nil. ns.
  func preemptedHold(against limit: Double) -> Double? {
    guard let longest = lock.holdNsMax else { return nil }
    if longest <= limit { return longest }
    guard let delay = trust.runDelayNs, longest - delay > limit else { return nil }
    return longest - delay
  }
}

/// The outcome of a strategy's session.
public enum RunOutcome: String, CaseIterable, Codable, Sendable, ColumnValue {
  /// The strategy finished its work.
  case complete
  /// The strategy reached its own cap.
  case limit
  /// The strategy got no buffer.
  case noBuffer = "no-buffer"
  /// The host stopped the strategy.
  case stopped
  /// The strategy failed; meta.json has the reason.
  case error
}

/// The key of a repetition, by which a run's files are joined.
public struct RepetitionKey: Hashable, Sendable {
  /// The cell's hash.
  public var cellID: String
  /// The repetition's number within the cell.
  public var repetition: Int

  /// Creates a key.
  public init(cellID: String, repetition: Int) {
    self.cellID = cellID
    self.repetition = repetition
  }
}

extension RunRecord: RepetitionRecord {
  /// The key of the repetition that this row commits.
  public var key: RepetitionKey { RepetitionKey(cellID: identity.cellID, repetition: identity.repetition) }
}

extension RunRecord.Speed {
  /// Sets the rates of a session that reported so many distinct blocks and bytes (above 0) in this time.
  package mutating func setRates(nanoseconds: Double, blocks: Int, bytes: UInt64) {
    msPerTiB = nanoseconds / 1e6 * Double(1 << 40) / Double(bytes)
    nsPerBlock = nanoseconds / Double(blocks)
    blocksPerSecond = Double(blocks) / (nanoseconds / 1e9)
    gibPerSecond = Double(bytes) / Double(1 << 30) / (nanoseconds / 1e9)
  }
}
