import Foundation

/// One repetition of a cell: a row of `runs.csv`. What the values mean is said once, at ``columns``.
///
/// What was not measured is nil and stands as an empty field, never as 0.
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

  /// Nothing measured yet.
  public init() {}

  /// Whether a measured thread was taken off its CPU in the middle of it; nil if that wasn't watched. Such a
  /// repetition is kept and marked.
  public var isPreempted: Bool? { trust.involuntarySwitches.map { $0 > 0 } }

  /// Which repetition of which cell of which run a row is.
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

  /// The modelled guest as it stood when the repetition began, and the strategy's options in force.
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

    public init() {}
    /// Of a size; nothing else is known.
    public init(bytes: UInt64) { self.bytes = bytes }

    /// Whether its lists are in the default order of that state.
    public var hasNaturalListOrder: Bool { listOrder == (state == "aged" ? "churned" : "ascending") }
  }

  /// What ran beside the strategy, and where everything was placed.
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

  /// What the strategy found, counted against the guest as it really was.
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

    public init() {}
    /// Nothing but how the session ended.
    public init(outcome: RunOutcome) { self.outcome = outcome }
  }

  /// What the strategy took from the guest while it ran.
  public struct SideEffects: Hashable, Sendable {
    public var blocksWithheldMax: Int?
    public var withheldByteSeconds: Double?
    public var bytesFreeMin: UInt64?

    public init() {}
  }

  /// Holds of, and waits for, the zone locks by the strategy's thread. A hold includes the clock's cost.
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

    public init() {}
    /// Counts alone: where holds aren't timed.
    public init(acquisitions: Int?, itemsPerHoldMax: Int?) {
      self.acquisitions = acquisitions
      self.itemsPerHoldMax = itemsPerHoldMax
    }
  }

  /// What the session cost. From the pass without a probe.
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

  /// What passed between the guest and its host.
  public struct Delivery: Hashable, Sendable {
    public var kicks: Int?
    public var descriptors: Int?

    public init() {}
    /// Both counts.
    public init(kicks: Int?, descriptors: Int?) {
      self.kicks = kicks
      self.descriptors = descriptors
    }
  }

  /// What the mutators did and suffered. Irq-off time is a wait plus the mutator's own hold.
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

  /// Hardware events of the strategy's thread, and where they were counted.
  public struct Counters: Hashable, Sendable {
    public var cycles: Int?
    public var instructions: Int?
    public var l1dMisses: Int?
    public var l2Misses: Int?
    public var llcMisses: Int?
    public var dtlbMisses: Int?
    public var source: String?

    public init() {}
  }

  /// How quiet the machine was while the repetition ran.
  public struct Trust: Hashable, Sendable {
    public var noiseNsP999: Double?
    public var noiseNsMax: Double?
    public var involuntarySwitches: Int?
    public var minorFaults: Int?
    public var stealNs: Double?

    public init() {}
  }
}

/// How a session of a strategy ended.
public enum RunOutcome: String, CaseIterable, Codable, Sendable, ColumnValue {
  /// The strategy finished all its work.
  case complete
  /// It reached its own cap.
  case limit
  /// It got no buffer.
  case noBuffer = "no-buffer"
  /// It was told to stop.
  case stopped
  /// It failed; the reason stands in meta.json.
  case error
}

/// Which repetition of which cell: what every file of a run is joined on.
public struct RepetitionKey: Hashable, Sendable {
  /// The cell's hash.
  public var cellID: String
  /// The repetition's number within the cell.
  public var repetition: Int

  /// A key of its two parts.
  public init(cellID: String, repetition: Int) {
    self.cellID = cellID
    self.repetition = repetition
  }
}

extension RunRecord: RepetitionRecord {
  /// The repetition this row commits.
  public var key: RepetitionKey { RepetitionKey(cellID: identity.cellID, repetition: identity.repetition) }
}
