import Delivery
import GuestMemory
import Hinting
import Instruments
import Machine
import Records

/// A guest of the matrix in memory, and what is measured once for all its cells.
package final class ModelledGuest {
  package let spec: GuestSpec
  package let guest: Guest
  package let census: GuestCensus
  /// Host node of each modelled node; nil if the host has only one.
  package let hostNodes: [Int]?
  /// Where its memory was found, by modelled node.
  let memory: [MemoryCensus]
  private var limits: [LimitKey: [Double]] = [:]
  private var adjacency: [Int: Double?] = [:]
  /// Whether the lists may differ from the snapshot.
  private var isTouched = false

  package struct LimitKey: Hashable {
    var order: Int
    var cache: CacheState
    /// Where the scanner runs.
    var hostCPU: Int?

    package init(order: Int, cache: CacheState, hostCPU: Int? = nil) {
      self.order = order
      self.cache = cache
      self.hostCPU = hostCPU
    }
  }

  /// - Throws: ``UserError`` if it can't be built.
  package init(_ spec: GuestSpec, _ captures: [String: Capture], _ numa: any NumaHost) throws(UserError) {
    self.spec = spec
    do {
      switch spec.state {
      case .fresh, .aged:
        var geometry = GuestGeometry.standard(
          bytes: spec.bytes, nodes: spec.nodes, cpus: spec.cpus, granuleOrder: spec.granuleOrder,
          movableShare: spec.movableShare)
        geometry.vmemmapPage = spec.vmemmapPage
        geometry.lockKind = spec.lockKind
        guest = try Guest(geometry)
        hostNodes = try Self.bind(guest, spec, numa)
        if case .aged(let free) = spec.state {
          try guest.age(Aging(freeFraction: free), seed: spec.seed)
        } else {
          guest.fillFresh()
        }
      case .captured(let fingerprint):
        guard let capture = captures[fingerprint] else { preconditionFailure("no capture \(fingerprint)") }
        var geometry = try GuestGeometry.captured(capture, cpus: spec.cpus, granuleOrder: spec.granuleOrder)
        geometry.vmemmapPage = spec.vmemmapPage
        geometry.lockKind = spec.lockKind
        guest = try Guest(geometry)
        hostNodes = try Self.bind(guest, spec, numa)
        try guest.fill(from: capture)
      }
      if spec.listOrder != .natural(of: spec.state.name) { guest.reorderLists(spec.listOrder, seed: spec.seed) }
    } catch GuestError.cannotReserve(let bytes) {
      throw UserError(.unavailable, "\(GuestError.cannotReserve(bytes: bytes))")
    } catch let error as GuestError {
      throw UserError(.input, "\(error)")
    } catch {
      throw UserError(.unavailable, "\(error)")
    }
    census = guest.census()
    let (guest, hostNodes) = (guest, hostNodes)
    memory = (0..<guest.geometry.nodeCount).map {
      MemoryCensus(guest, node: $0, boundTo: hostNodes?[$0], numa)
    }
    if let fault = memory.lazy.compactMap(\.fault).first { throw UserError(.unavailable, fault) }
  }

  /// Each modelled node's memory to a host node, in turn, where the host has several; or all of it to the one asked
  /// for.
  private static func bind(_ guest: Guest, _ spec: GuestSpec, _ numa: any NumaHost) throws -> [Int]? {
    let nodes = numa.nodes.filter { $0.memoryBytes != 0 }
    guard nodes.count > 1 else { return nil }
    let assigned = (0..<guest.geometry.nodeCount).map { spec.memoryNode ?? nodes[$0 % nodes.count].id }
    for (node, hostNode) in assigned.enumerated() {
      try guest.withMemory(ofNode: node) { try numa.bind($0, bytes: $1, toNode: hostNode) }
    }
    return assigned
  }

  /// The starting state, and what the caches are to hold of it. Never timed.
  ///
  /// - Parameter evictor: not nil if the caches are to be cold.
  package func reset(order: Int, cache: CacheState, _ evictor: CacheEvictor?, _ runners: [StrategyRunner] = []) {
    restore(runners)
    switch cache {
    case .cold:
      guard let evictor else { preconditionFailure("cold caches without what empties them") }
      guest.flushLists(fromOrder: order)
      evictor.evict()
    case .warm:
      guest.walkLists(fromOrder: order)
    }
  }

  /// The starting state, whatever the caches hold.
  func restore(_ runners: [StrategyRunner]) {
    if isTouched { guest.restore() }
    isTouched = false
    for runner in runners { runner.reset(guest.core) }
  }

  /// Something took or freed blocks.
  package func touch() { isTouched = true }

  func listAdjacency(fromOrder order: Int) -> Double? {
    if let known = adjacency[order] { return known }
    let value = guest.snapshot?.adjacency(fromOrder: order)
    adjacency[order] = value
    return value
  }

  /// In which language the plain walk over the lists is written.
  package enum Walk: String, CaseIterable {
    case c, swift

    package var language: String { self == .c ? "C" : "Swift" }
  }

  /// Times the plain walk over these lists once, in this state of the caches. Nil where there is no block, or no room
  /// for the addresses.
  package func timeWalk(
    _ walk: Walk, _ key: LimitKey, _ evictor: CacheEvictor?
  ) -> (nanosecondsPerBlock: Double, blocks: Int)? {
    // Before they are counted: what ran last may have left it with fewer.
    restore([])
    let blocks = guest.freeBlockCount(fromOrder: key.order)
    guard blocks > 0, let arena = try? HintArena(bytes: blocks * 8 + 4096) else { return nil }
    let buffer = arena.buffer(bytes: blocks * 8)
    reset(order: key.order, cache: key.cache, evictor)
    let walked =
      walk == .c
      ? guest.referenceWalk(fromOrder: key.order, into: buffer) : guest.plainWalk(fromOrder: key.order, into: buffer)
    return (CycleClock.nanoseconds(fromTicks: walked.ticks) / Double(walked.blocks), walked.blocks)
  }

  /// Times the plain walk in C: the floor results are compared with.
  func sampleLimit(_ key: LimitKey, _ evictor: CacheEvictor?) {
    guard let walk = timeWalk(.c, key, evictor) else { return }
    limits[key, default: []].append(walk.nanosecondsPerBlock)
  }

  /// Nanoseconds a block of that walk: the median of its samples. Nil without any.
  func limitPerBlock(_ key: LimitKey) -> Double? {
    guard let samples = limits[key]?.sorted(), !samples.isEmpty else { return nil }
    return MedianInterval.median(sorted: samples)
  }
}

extension GuestSpec {
  /// A guest of one node with the kernel's own struct pages and lock, as `calibrate` walks it.
  package init(
    bytes: UInt64, cpus: Int, state: State, listOrder: ListOrder, vmemmapPage: GuestGeometry.VmemmapPage, seed: UInt64
  ) {
    self.init(
      bytes: bytes, nodes: 1, cpus: cpus, state: state, listOrder: listOrder, granuleOrder: 0, vmemmapPage: vmemmapPage,
      lockKind: .queued, seed: seed)
  }
}
