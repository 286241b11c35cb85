import Foundation
import GuestMemory
import Hinting
import Instruments

/// A run's cells, checked and placed in memory, before anything is allocated.
public struct Matrix: Sendable {
  public let config: RunConfig
  public let cells: [Cell]
  /// Host memory each guest will need.
  public let footprints: [GuestSpec: GuestFootprint]
  /// Guests that are in memory together, and so are interleaved.
  public let batches: [[GuestSpec]]
  /// The captured machines, by fingerprint.
  let captures: [String: Capture]
  public let holdLimitNanoseconds: Double
  public let counters: CounterMode
  public let timeLimitNanoseconds: Double?
  public let oversubscribed: Bool
  /// Designs nobody named that don't fit in this machine's memory, and why.
  public let omissions: [String]

  /// Expands and checks a configuration against this machine.
  ///
  /// - Throws: ``MatrixError``: usage, an unusable capture, or a guest that doesn't fit, with the sizes needed and there.
  public init(_ config: RunConfig, host: HostLimits) throws(MatrixError) {
    self.config = config
    for name in config.experiments where Experiments.all.first(where: { $0.name == name }) == nil {
      throw .usage(
        "unknown experiment '\(name)'; there are: \(Experiments.all.map(\.name).joined(separator: ", "))")
    }
    guard (1...100_000).contains(config.repetitions) else {
      throw .usage("\(config.repetitions) repetitions; accepted: 1 to 100000")
    }
    let lock: LockKind = try Self.choice(config.lock, "lock")
    let pageInit: PageInit = try Self.choice(config.pageInit, "page init")
    let cache: CacheState = try Self.choice(config.cache, "cache state")
    let load: MutatorLoad = try Self.choice(config.load, "load")
    counters = try Self.choice(config.counters, "counters")
    holdLimitNanoseconds = try TimeSpan(config.holdLimit).nanoseconds
    timeLimitNanoseconds = try config.timeLimit.map { text throws(MatrixError) in try TimeSpan(text).nanoseconds }
    let mutators = try Self.mutators(config, load, host)
    oversubscribed = 1 + mutators > host.cpus

    var cells: [Cell] = []
    var footprints: [GuestSpec: GuestFootprint] = [:]
    var captures: [String: Capture] = [:]
    var guests: [GuestSpec] = []
    var omissions: [String] = []
    for group in config.groups {
      let expanded = try GroupExpansion(group, config, lock, load, mutators, host)
      captures.merge(expanded.captures) { $1 }
      omissions += expanded.omissions
      for (guest, footprint) in expanded.guests {
        if !guests.contains(guest) { guests.append(guest) }
        // Another group may run more on the same guest than this one.
        if footprint.bytes > footprints[guest]?.bytes ?? 0 { footprints[guest] = footprint }
        for strategy in expanded.strategies {
          let highest = expanded.highestOrder
          let wanted = try Self.order(config.order, strategy, highest: highest, granule: guest.granuleOrder)
          for experiment in config.experiments {
            let cell = Cell(
              experiment: experiment, guest: guest, strategy: strategy, order: wanted, pageInit: pageInit, cache: cache,
              load: load, mutators: mutators)
            if !cells.contains(where: { $0.id == cell.id }) { cells.append(cell) }
          }
        }
      }
    }
    guard !cells.isEmpty else { throw .usage("the matrix is empty: it needs a guest, a state and a strategy") }
    self.cells = cells
    self.footprints = footprints
    self.captures = captures
    self.omissions = omissions

    // Half of what is available holds guests; a guest above that has a batch to itself.
    var batches: [[GuestSpec]] = []
    var room: UInt64 = 0
    for guest in guests {
      let needed = footprints[guest]?.bytes ?? 0
      if batches.isEmpty || needed > room {
        batches.append([])
        room = host.availableBytes / 2
      }
      batches[batches.count - 1].append(guest)
      room -= min(room, needed)
    }
    self.batches = batches
  }

  /// What of the machine a matrix is checked against.
  public struct HostLimits: Sendable {
    /// CPUs this process may run on.
    public var cpus: Int
    public var availableBytes: UInt64

    public init(cpus: Int, availableBytes: UInt64) {
      self.cpus = cpus
      self.availableBytes = availableBytes
    }

    /// This machine.
    public static var current: HostLimits {
      HostLimits(
        cpus: (try? ThreadPlacement.allowedCPUs().count) ?? 1,
        availableBytes: HostFacts.availableMemoryBytes() ?? 1 << 30)
    }
  }

  static func choice<T: RawRepresentable & CaseIterable>(_ text: String, _ what: String) throws(MatrixError) -> T
  where T.RawValue == String {
    guard let value = T(rawValue: text) else {
      throw .usage("unknown \(what) '\(text)'; accepted: \(T.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }

  private static func mutators(_ config: RunConfig, _ load: MutatorLoad, _ host: HostLimits) throws(MatrixError) -> Int
  {
    if load == .none {
      guard (config.mutators ?? 0) == 0 else {
        throw .usage("\(config.mutators ?? 0) mutators without a load; give --load")
      }
      return 0
    }
    let mutators = config.mutators ?? max(host.cpus - 1, 1)
    guard (1...1024).contains(mutators) else { throw .usage("\(mutators) mutators; accepted: 1 to 1024") }
    return mutators
  }

  private static func order(
    _ text: String?, _ strategy: ConfiguredStrategy, highest: Int, granule: Int
  ) throws(MatrixError) -> Int {
    switch text {
    case nil: return strategy.order(wanted: highest, highest: highest)
    case "native": return max(strategy.order(wanted: strategy.nativeOrder(highest: highest), highest: highest), granule)
    case .some(let text):
      guard let order = Int(text), (0...10).contains(order) else {
        throw .usage("'\(text)' is no order; accepted: 0 to 10, or native")
      }
      return max(strategy.order(wanted: order, highest: highest), granule)
    }
  }
}

extension Matrix {
  /// Roughly how long the run will take. Nanoseconds.
  public var estimatedNanoseconds: Double {
    cells.reduce(0) { total, cell in
      let blocks =
        Double(cell.guest.bytes >> 12) / Double(UInt64(1) << UInt64(max(cell.order, cell.guest.granuleOrder)))
      let each: Double
      switch cell.strategy.card.effect {
      case .readsOnly: each = 400
      case .takesBuffers: each = 700
      case .takesBatches: each = 3000
      case .takesBlocks: each = 12_000
      }
      return total + Double(config.repetitions) * (40e6 + 2 * blocks * each)
    }
  }

  /// The most host memory in use at once.
  public var peakBytes: UInt64 {
    batches.map { $0.reduce(0) { $0 + (footprints[$1]?.bytes ?? 0) } }.max() ?? 0
  }
}
