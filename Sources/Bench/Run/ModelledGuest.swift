import Delivery
import GuestMemory
import Hinting
import Instruments
import Machine
import Records

/// A guest of the matrix in memory, with the measurements that all its cells share.
package final class ModelledGuest {
  package let spec: GuestSpec
  package let guest: Guest
  package let census: GuestCensus
  /// The host node of each modelled node; nil if the host has only one.
  package let hostNodes: [Int]?
  /// The host nodes of its memory, by modelled node.
  let memory: [MemoryCensus]
  private var floors: [FloorKey: [Double]] = [:]
  private var adjacency: [Int: Double?] = [:]
  /// Whether the lists may differ from the snapshot.
  private var isTouched = false

  package struct FloorKey: Hashable {
    var order: Int
    var cache: CacheState
    /// The scanner's host CPU.
    var hostCPU: Int?

    package init(order: Int, cache: CacheState, hostCPU: Int? = nil) {
      self.order = order
      self.cache = cache
      self.hostCPU = hostCPU
    }
  }

  /// Builds the guest.
  ///
  /// - Throws: ``UserError`` if it can't be built.
  package init(_ spec: GuestSpec, _ captures: [String: Capture], _ numa: any NumaHost) throws(UserError) {
    self.spec = spec
    var isListed = false
    do {
      switch spec.state {
      case .fresh, .aged:
        var geometry = GuestGeometry.standard(
          bytes: spec.bytes, nodes: spec.nodes, cpus: spec.cpus, granuleOrder: spec.granuleOrder,
          movableShare: spec.movableShare)
        geometry.take(kernelOf: spec)
        guest = try Guest(geometry)
        hostNodes = try Self.bind(guest, spec, numa)
        if case .aged(let free, let profile) = spec.state {
          try guest.age(Aging(freeFraction: free, profile: profile), seed: spec.seed)
        } else {
          guest.fillFresh()
        }
      case .captured(let fingerprint, _):
        guard let capture = captures[fingerprint] else { preconditionFailure("no capture \(fingerprint)") }
        var geometry = try GuestGeometry.captured(
          capture, cpus: spec.cpus, granuleOrder: spec.granuleOrder, watermarks: spec.watermarks)
        geometry.take(kernelOf: spec)
        guest = try Guest(geometry)
        hostNodes = try Self.bind(guest, spec, numa)
        try guest.fill(from: capture)
        isListed = capture.lists != nil
      }
      if let order = spec.listOrder, order != .natural(of: spec.state.name) || isListed {
        guest.reorderLists(order, seed: spec.seed)
      }
    } catch GuestError.cannotReserve(let bytes) {
      throw UserError(.unavailable, "\(GuestError.cannotReserve(bytes: bytes))")
    } catch let error as GuestError {
      var hint = ""
      if case .doesNotFit = error, spec.kernel != .linux61 {
        hint = ", each pageblock with blocks of one type; in --kernel 6.1 it may have several"
      }
      throw UserError(.input, "\(error)\(hint)")
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

  /// Binds each modelled node's memory to a host node, in turn, or all memory to the requested node. Does nothing on a
  /// host with one node.
  private static func bind(_ guest: Guest, _ spec: GuestSpec, _ numa: any NumaHost) throws -> [Int]? {
    let nodes = numa.nodes.filter { $0.memoryBytes != 0 }
    guard nodes.count > 1 else { return nil }
    let assigned = (0..<guest.geometry.nodeCount).map { spec.memoryNode ?? nodes[$0 % nodes.count].id }
    for (node, hostNode) in assigned.enumerated() {
      try guest.withMemory(ofNode: node) { try numa.bind($0, bytes: $1, toNode: hostNode) }
    }
    return assigned
  }

  /// Restores the starting state and the wanted cache state. Never timed.
  ///
  /// - Parameter evictor: required for cold caches.
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

  /// Restores the starting state; the caches are left as they are.
  func restore(_ runners: [StrategyRunner]) {
    if isTouched { guest.restore() }
    isTouched = false
    for runner in runners { runner.reset(guest.core) }
  }

  /// Notes that blocks were taken or freed.
  package func touch() { isTouched = true }

  func listAdjacency(fromOrder order: Int) -> Double? {
    if let known = adjacency[order] { return known }
    let value = guest.snapshot?.adjacency(fromOrder: order)
    adjacency[order] = value
    return value
  }

  /// The language of the plain walk over the lists.
  package enum Walk: String, CaseIterable {
    case c, swift

    package var language: String { self == .c ? "C" : "Swift" }
  }

  /// Times the plain walk over these lists once, in this cache state. Returns nil if there are no blocks, or no room
  /// for the addresses.
  package func timeWalk(
    _ walk: Walk, _ key: FloorKey, _ evictor: CacheEvictor?
  ) -> (nanosecondsPerBlock: Double, blocks: Int)? {
    // Restore before counting: the previous run may have left fewer blocks.
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

  /// Times the plain walk in C, the floor that results are compared with.
  func sampleFloor(_ key: FloorKey, _ evictor: CacheEvictor?) {
    guard let walk = timeWalk(.c, key, evictor) else { return }
    floors[key, default: []].append(walk.nanosecondsPerBlock)
  }

  /// The floor: the median of the walk's samples. Nanoseconds a block; nil without samples.
  func floorPerBlock(_ key: FloorKey) -> Double? {
    guard let samples = floors[key]?.sorted(), !samples.isEmpty else { return nil }
    return MedianInterval.median(sorted: samples)
  }
}

extension GuestSpec {
  /// Builds a guest of one node with the kernel's own struct pages and lock, as `calibrate` walks it.
  package init(
    bytes: UInt64, cpus: Int, state: State, listOrder: ListOrder, vmemmapPage: GuestGeometry.VmemmapPage, seed: UInt64
  ) {
    self.init(
      bytes: bytes, nodes: 1, cpus: cpus, state: state, listOrder: listOrder, granuleOrder: 0, vmemmapPage: vmemmapPage,
      lockKind: .queued, seed: seed)
  }
}

extension GuestGeometry {
  /// What doesn't depend on where the zones are from.
  fileprivate mutating func take(kernelOf spec: GuestSpec) {
    vmemmapPage = spec.vmemmapPage
    lockKind = spec.lockKind
    kernel = spec.kernel
    isToldToCheckPages = spec.isToldToCheckPages
  }
}
