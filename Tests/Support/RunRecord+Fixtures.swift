import Foundation
import Records

extension RunRecord.Guest {
  /// A modelled guest whose every setting is known.
  public init(
    bytes: UInt64, nodes: Int, cpus: Int, zones: Int, granuleOrder: Int, vmemmapPageBytes: Int, lockKind: String,
    pageInit: String, state: String, listOrder: String, listAdjacent: Double? = nil, freeFraction: Double? = nil,
    bytesFree: UInt64? = nil, order: Int? = nil, budget: Int? = nil, bufferBytes: UInt64? = nil
  ) {
    self.init(bytes: bytes)
    self.nodes = nodes
    self.cpus = cpus
    self.zones = zones
    self.granuleOrder = granuleOrder
    self.vmemmapPageBytes = vmemmapPageBytes
    self.lockKind = lockKind
    self.pageInit = pageInit
    self.state = state
    self.listOrder = listOrder
    self.listAdjacent = listAdjacent
    self.freeFraction = freeFraction
    self.bytesFree = bytesFree
    self.order = order
    self.budget = budget
    self.bufferBytes = bufferBytes
  }
}

extension RunRecord {
  /// Of its groups; what isn't given wasn't measured.
  public init(identity: Identity, guest: Guest, load: Load, found: Found) {
    self.init()
    self.identity = identity
    self.guest = guest
    self.load = load
    self.found = found
  }
}

extension RunRecord.Identity {
  public init(
    runID: String, cellID: String, time: Date, commit: String? = nil, branch: String? = nil, host: String,
    experiment: String, strategy: String, repetition: Int, seed: UInt64
  ) {
    self.init()
    self.runID = runID
    self.cellID = cellID
    self.time = time
    self.commit = commit
    self.branch = branch
    self.host = host
    self.experiment = experiment
    self.strategy = strategy
    self.repetition = repetition
    self.seed = seed
  }
}

extension RunRecord.Load {
  public init(kind: String, mutators: Int, oversubscribed: Bool, cache: String) {
    self.init()
    self.kind = kind
    self.mutators = mutators
    self.oversubscribed = oversubscribed
    self.cache = cache
  }
}

extension RunRecord.Found {
  public init(outcome: RunOutcome, blocksReported: Int, coverage: Double, coverageFree: Double) {
    self.init(outcome: outcome)
    self.blocksReported = blocksReported
    self.coverage = coverage
    self.coverageFree = coverageFree
  }
}

extension RunRecord.Counters {
  public init(
    cycles: Int? = nil, instructions: Int, l1dMisses: Int? = nil, l2Misses: Int? = nil, llcMisses: Int,
    dtlbMisses: Int? = nil, source: String
  ) {
    self.init()
    self.cycles = cycles
    self.instructions = instructions
    self.l1dMisses = l1dMisses
    self.l2Misses = l2Misses
    self.llcMisses = llcMisses
    self.dtlbMisses = dtlbMisses
    self.source = source
  }
}
