import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine

/// A run's cells, checked and placed in memory, before anything is allocated.
public struct Matrix: Sendable {
  public let config: RunConfig
  /// What it was checked against.
  public let host: HostLimits
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
  /// Designs nobody named that don't fit in this machine's memory, and why.
  public let omissions: [String]

  /// Expands and checks a configuration against this machine.
  ///
  /// - Throws: ``MatrixError``: usage, an unusable capture, or a guest that doesn't fit, with the sizes needed and there.
  public init(_ config: RunConfig, host: HostLimits) throws(MatrixError) {
    self.config = config
    self.host = host
    var experiments: [any Experiment.Type] = []
    for name in config.experiments { experiments.append(try Experiments.named(name)) }
    guard (1...100_000).contains(config.repetitions) else {
      throw .usage("\(config.repetitions) repetitions; accepted: 1 to 100000")
    }
    let lock: LockKind = try Self.choice(config.lock, "lock")
    let pageInit: PageInit = try Self.choice(config.pageInit, "page init")
    let cache: CacheState = try Self.choice(config.cache, "cache state")
    let placement: Placement = try Self.choice(config.placement, "placement")
    let scanners: Scanners = try Self.choice(config.scanners, "number of scanners")
    guard scanners == .one || placement == .local else {
      throw .usage("--placement matrix has one scanner, on each node in turn; --scanners per-node doesn't go with it")
    }
    let asked = try config.load.map { text throws(MatrixError) in
      try Self.loads(text.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
    }
    counters = try Self.choice(config.counters, "counters")
    holdLimitNanoseconds = try TimeSpan(config.holdLimit).nanoseconds
    timeLimitNanoseconds = try config.timeLimit.map { text throws(MatrixError) in try TimeSpan(text).nanoseconds }

    try Self.checkLoads(asked, config, experiments)
    try Self.checkEvents(config, counters, experiments)
    guard config.bandwidth == nil && config.downtimeLimit == nil || experiments.contains(where: { $0.card.migrates })
    else { throw .usage("--bandwidth and --downtime-limit are a migration's") }
    guard config.exitNs == nil || experiments.contains(where: { $0.card.delivers })
    else { throw .usage("--exit-ns is for delivery, where a host acts on hints") }

    var cells: [Cell] = []
    var footprints: [GuestSpec: GuestFootprint] = [:]
    var captures: [String: Capture] = [:]
    var guests: [GuestSpec] = []
    var omissions: [String] = []
    // Half of what is available holds guests.
    var batchRoom = host.availableBytes / 2
    for group in config.groups {
      for name in group.experiments where !config.experiments.contains(name) {
        throw .usage("a group is for the experiment '\(name)', which isn't run")
      }
      let own = experiments.filter { group.experiments.isEmpty || group.experiments.contains($0.card.name) }
      // By experiment, what threads do beside it.
      var loads: [[MutatorLoad]] = []
      for experiment in own { loads.append(try Self.loads(experiment.card, asked, group)) }
      let anyLoad = loads.joined().contains { $0 != .none }
      var mutators = 0
      if anyLoad { mutators = try Self.mutators(config, group, own, host) }
      // Experiments with windows take and give back memory themselves.
      let allocates = anyLoad || own.contains { $0.card.window != nil }
      let scanning = scanners == .perNode ? group.nodes : 1
      let others = mutators + (own.map({ $0.card.threads }).max() ?? 1) + scanning - 2
      let room = host.room(placement, modelledNodes: group.nodes)
      let expanded = try GroupExpansion(group, config, lock, allocates, others, room)
      captures.merge(expanded.captures) { $1 }
      omissions += expanded.omissions
      let placed = Self.placed(expanded.guests, host.memoryNodes(placement))
      for (guest, footprint) in placed {
        if !guests.contains(guest) { guests.append(guest) }
        // Another group may run more on the same guest than this one.
        if footprint.bytes > footprints[guest]?.bytes ?? 0 { footprints[guest] = footprint }
        batchRoom = min(batchRoom, room.availableBytes / 2)
      }
      for (experiment, loads) in zip(own, loads) {
        let settings = Self.settings(
          try Self.settings(config, group, experiment.card, pageInit, cache), scanners, host.scanNodes(placement))
        var strategies = expanded.strategies.filter { experiment.card.suits($0.card) }
        if scanners == .perNode {
          guard experiment.card.takesScanners else {
            throw .usage("\(experiment.card.name) has one scanner; --scanners per-node is for scan")
          }
          strategies = try Self.withScannersByNode(strategies, &omissions)
        }
        if strategies.count < expanded.strategies.count && !group.strategies.isEmpty && strategies.isEmpty {
          throw .usage("\(experiment.card.name) is for \(experiment.card.suited)")
        }
        for (guest, _) in placed {
          guard scanners == .one || guest.cpus >= guest.nodes + mutators else {
            throw .usage(
              "\(guest.cpus) CPUs are too few for \(guest.nodes) scanners and \(mutators) other threads; give --cpus "
                + "\(guest.nodes + mutators)")
          }
          for strategy in strategies {
            let order = try Self.order(
              config.order, strategy, highest: expanded.highestOrder, granule: guest.granuleOrder)
            for setting in settings {
              for load in loads {
                let cell = Cell(
                  experiment: experiment, guest: guest, strategy: strategy, order: order, setting: setting, load: load,
                  mutators: load == .none ? 0 : mutators, hostCPUs: host.cpus)
                if !cells.contains(where: { $0.id == cell.id }) { cells.append(cell) }
              }
            }
          }
        }
      }
    }
    guard !cells.isEmpty else { throw .usage("the matrix is empty: it needs a guest, a state and a strategy") }
    if counters == .simulated { try Self.checkSimulated(cells) }
    try RealMigrationMemory.check(cells, footprints, host)
    self.cells = cells
    self.footprints = footprints
    self.captures = captures
    self.omissions = omissions

    // A guest that needs more than there is room for has a batch to itself.
    var batches: [[GuestSpec]] = []
    var room: UInt64 = 0
    for guest in guests {
      let needed = footprints[guest]?.bytes ?? 0
      if batches.isEmpty || needed > room {
        batches.append([])
        room = batchRoom
      }
      batches[batches.count - 1].append(guest)
      room -= min(room, needed)
    }
    self.batches = batches
  }

  /// What of the machine a matrix is checked against.
  public struct HostLimits: Codable, Sendable {
    /// CPUs this process may run on.
    public var cpus: Int
    public var availableBytes: UInt64
    /// Its NUMA nodes; empty where none is known.
    public var nodes: [HostNode]

    public init(cpus: Int, availableBytes: UInt64, nodes: [HostNode] = []) {
      self.cpus = cpus
      self.availableBytes = availableBytes
      self.nodes = nodes
    }

    /// With the memory that there is for a guest, which is bound to the nodes it is placed on and gets none elsewhere.
    func room(_ placement: Placement, modelledNodes: Int) -> HostLimits {
      let free = nodes.filter { $0.memoryBytes != 0 }.compactMap(\.freeBytes)
      guard free.count > 1, let least = free.min() else { return self }
      let used = placement == .matrix ? 1 : min(free.count, modelledNodes)
      var room = self
      room.availableBytes = min(availableBytes, least * UInt64(used))
      return room
    }

    /// Host nodes for a guest's memory, one after the other; nil leaves it to its modelled nodes.
    func memoryNodes(_ placement: Placement) -> [Int?] {
      let known = nodes.filter { $0.memoryBytes != 0 }.map(\.id)
      return placement == .local ? [nil] : known.isEmpty ? [0] : known
    }

    /// Host nodes for the scanner; nil leaves it to its memory.
    func scanNodes(_ placement: Placement) -> [Int?] {
      let known = nodes.filter { !$0.cpus.isEmpty }.map(\.id)
      return placement == .local ? [nil] : known.isEmpty ? [0] : known
    }

    /// This machine.
    public static var current: HostLimits {
      HostLimits(
        cpus: (try? ThreadPlacement.allowedCPUs().count) ?? 1,
        availableBytes: HostFacts.availableMemoryBytes() ?? 1 << 30, nodes: LibNuma().nodes)
    }
  }

  static func choice<T: RawRepresentable & CaseIterable>(_ text: String, _ what: String) throws(MatrixError) -> T
  where T.RawValue == String {
    guard let value = T(rawValue: text) else {
      throw .usage("unknown \(what) '\(text)'; accepted: \(T.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }

  private static func checkLoads(
    _ asked: [MutatorLoad]?, _ config: RunConfig, _ experiments: [any Experiment.Type]
  ) throws(MatrixError) {
    let isAsked = asked?.contains { $0 != .none } ?? false
    guard !isAsked || experiments.contains(where: { $0.card.takesLoads }) else {
      throw .usage("\(config.experiments.joined(separator: ", ")) runs without a load")
    }
    let hasLoad = isAsked || experiments.contains { experiment in experiment.card.loads.contains { $0 != .none } }
    guard hasLoad || (config.mutators ?? 0) == 0 else {
      throw .usage("\(config.mutators ?? 0) mutators without a load; give --load")
    }
  }

  private static func checkEvents(
    _ config: RunConfig, _ counters: CounterMode, _ experiments: [any Experiment.Type]
  ) throws(MatrixError) {
    guard !config.events.isEmpty else { return }
    guard counters == .auto || counters == .papi else {
      throw .usage("events by name are PAPI's: --events goes with --counters auto or papi")
    }
    guard experiments.contains(where: { $0.card.countsEvents }) else {
      throw .usage("\(config.experiments.joined(separator: ", ")) counts no events; --events is for \(counting)")
    }
    for (index, name) in config.events.enumerated() {
      guard !name.isEmpty, name.allSatisfy({ $0.isASCII && !$0.isWhitespace }) else {
        throw .usage("'\(name)' is no event; accepted: PAPI's names, such as perf::BRANCH-MISSES or PAPI_BR_MSP")
      }
      guard !isOutsideUserMode(name) else {
        throw .usage(
          "'\(name)' asks for more than user mode, and all counts are of that; accepted: events without :k or :h")
      }
      guard !config.events[..<index].contains(name) else { throw .usage("the event '\(name)' is given twice") }
    }
  }

  /// Whether a modifier of libpfm4's has the event counted in the kernel (k) or the hypervisor (h), too.
  private static func isOutsideUserMode(_ event: String) -> Bool {
    event.lowercased().split(separator: ":").dropFirst().contains { part in
      let sides = part.split(separator: "=", maxSplits: 1)
      guard let name = sides.first, name == "k" || name == "h" else { return false }
      return sides.count == 1 || !["0", "n", "f", "no", "false"].contains(sides[1])
    }
  }

  /// The experiments that count, in words.
  private static var counting: String {
    Experiments.all.filter(\.countsEvents).map(\.name).joined(separator: ", ")
  }

  /// A simulation gives the same count twice only of what runs alone and looks at no clock; and valgrind has no address
  /// space for the largest guests.
  private static func checkSimulated(_ cells: [Cell]) throws(MatrixError) {
    for cell in cells {
      guard cell.experimentCard.countsEvents, cell.load == .none, cell.hostAckNs == 0, cell.setting.scanners == .one
      else {
        throw .usage(
          "simulated counts are the same twice only of what runs alone and by no clock; --counters simulated goes with "
            + "\(counting), without --load, with --host-ack-ns 0 and one scanner")
      }
    }
    for cell in cells where cell.guest.bytes >> UInt64(cell.guest.granuleOrder) > 1 << 40 {
      throw MatrixError(
        .unavailable,
        "a guest of \(ByteSize(bytes: cell.guest.bytes)): valgrind has no address space for the memory map of more than 1T; "
          + "accepted: --guest up to 1T, a coarser --granule, or --counters off")
    }
  }

  /// What threads do beside an experiment: what was asked for, or the group's, or the experiment's own.
  private static func loads(
    _ card: ExperimentCard, _ asked: [MutatorLoad]?, _ group: RunConfig.Group
  ) throws(MatrixError) -> [MutatorLoad] {
    guard card.takesLoads else { return [MutatorLoad.none] }
    if let asked, asked != [MutatorLoad.none] || card.loads.contains(.none) { return asked }
    return group.loads.isEmpty ? card.loads : try loads(group.loads)
  }

  private static func loads(_ texts: [String]) throws(MatrixError) -> [MutatorLoad] {
    var loads: [MutatorLoad] = []
    for text in texts { loads.append(try choice(text, "load")) }
    return loads
  }

  /// Every combination of acknowledgement time, window and clock that an experiment is run with.
  private static func settings(
    _ config: RunConfig, _ group: RunConfig.Group, _ card: ExperimentCard, _ pageInit: PageInit, _ cache: CacheState
  ) throws(MatrixError) -> [Cell.Setting] {
    var setting = Cell.Setting()
    setting.pageInit = pageInit
    // What a window of many sessions finds in the caches is what its own threads left there; and so with a host that acts
    // on hints beside them.
    setting.cache = card.window == nil && !card.delivers ? cache : .warm
    if let window = try (config.window ?? group.window).map({ text throws(MatrixError) in try TimeSpan(text) })
      ?? card.window, card.window != nil
    {
      // Of less, a rate is mostly the starting and stopping of threads.
      guard window.nanoseconds >= 10e6 else { throw .usage("a window of \(window); accepted: at least 10ms") }
      setting.windowNs = UInt64(window.nanoseconds)
    }
    if card.clocks != [.real] {
      setting.clock =
        try (config.clock ?? group.clock).map { text throws(MatrixError) in try choice(text, "clock") }
        ?? card.clocks[0]
      guard card.clocks.contains(setting.clock) else {
        throw .usage("\(card.name) has no \(setting.clock.rawValue) clock; accepted: \(card.clocks[0].rawValue)")
      }
    }
    if let rate = config.mutatorRate {
      guard rate >= 1, rate <= 1e9 else {
        throw .usage("a mutator rate of \(rate); accepted: 1 to 1000000000 a second")
      }
      setting.mutatorRate = rate
    }
    let acks = config.hostAckNs.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    let timed = try (acks ?? (group.hostAckNs.isEmpty ? ["0"] : group.hostAckNs)).map { text throws(MatrixError) in
      guard let nanoseconds = UInt64(text), nanoseconds <= 10_000_000_000 else {
        throw .usage("'\(text)' is no acknowledgement time; accepted: nanoseconds, 0 to 10000000000")
      }
      var own = setting
      own.hostAckNs = nanoseconds
      return own
    }
    if card.delivers, let exits = try exitTimes(config) {
      return timed.flatMap { setting in
        exits.map { nanoseconds in
          var own = setting
          own.exitNs = nanoseconds
          return own
        }
      }
    }
    guard card.migrates else { return timed }
    let bandwidths = try texts(config.bandwidth, group.bandwidths, standard: "1G").map { text throws(MatrixError) in
      let bytes = Double(try ByteSize(text).bytes)
      guard bytes >= 0x1p20 else { throw .usage("a bandwidth of \(text); accepted: at least 1M, in bytes a second") }
      return bytes
    }
    let limits = try texts(config.downtimeLimit, group.downtimeLimits, standard: "300ms").map {
      text throws(MatrixError) in try TimeSpan(text).nanoseconds
    }
    return timed.flatMap { setting in
      bandwidths.flatMap { bandwidth in
        limits.map { limit in
          var own = setting
          own.bandwidth = bandwidth
          own.downtimeLimitNs = limit
          return own
        }
      }
    }
  }

  /// Nanoseconds of a VM exit; nil where none were asked for.
  private static func exitTimes(_ config: RunConfig) throws(MatrixError) -> [UInt64]? {
    guard let text = config.exitNs else { return nil }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { text throws(MatrixError) in
      guard let nanoseconds = UInt64(text), nanoseconds <= 10_000_000 else {
        throw .usage("'\(text)' is no time of a VM exit; accepted: nanoseconds, 0 to 10000000")
      }
      return nanoseconds
    }
  }

  /// The values of a list: what was asked for, or the group's, or the standard one.
  private static func texts(_ asked: String?, _ group: [String], standard: String) -> [String] {
    asked.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
      ?? (group.isEmpty ? [standard] : group)
  }

  /// The settings with scanners on each of these host nodes.
  private static func settings(
    _ settings: [Cell.Setting], _ scanners: Scanners, _ nodes: [Int?]
  ) -> [Cell.Setting] {
    settings.flatMap { setting in
      nodes.map { node in
        var setting = setting
        setting.scanners = scanners
        setting.scanNode = node
        return setting
      }
    }
  }

  /// The guests with their memory on each of these host nodes.
  private static func placed(
    _ guests: [(GuestSpec, GuestFootprint)], _ nodes: [Int?]
  ) -> [(GuestSpec, GuestFootprint)] {
    guests.flatMap { guest, footprint in
      nodes.map { node in
        var guest = guest
        guest.memoryNode = node
        return (guest, footprint)
      }
    }
  }

  /// Those designs that can scan a node by itself; the others are left out, and named.
  private static func withScannersByNode(
    _ strategies: [ConfiguredStrategy], _ omissions: inout [String]
  ) throws(MatrixError) -> [ConfiguredStrategy] {
    let whole = Set(strategies.filter { $0.card.trigger == .frees }.map(\.card.name)).sorted()
    let why = "hooks that gather for the whole guest have no scanner for a node"
    guard strategies.contains(where: { $0.card.trigger != .frees }) else {
      throw .usage("\(whole.joined(separator: ", ")): \(why)")
    }
    omissions += whole.map { "\($0): \(why)" }.filter { !omissions.contains($0) }
    return strategies.filter { $0.card.trigger != .frees }
  }

  private static func mutators(
    _ config: RunConfig, _ group: RunConfig.Group, _ experiments: [any Experiment.Type], _ host: HostLimits
  ) throws(MatrixError) -> Int {
    // A host that takes its time is a thread, too. By the virtual clock nothing may depend on the machine.
    let acks = config.hostAckNs ?? group.hostAckNs.joined(separator: ",")
    let hosts = acks.split(separator: ",").contains { $0 != "0" } ? 1 : 0
    let asked = config.clock ?? group.clock
    let isVirtual = experiments.allSatisfy { (asked ?? $0.card.clocks[0].rawValue) == ExperimentClock.virtual.rawValue }
    // What else runs beside them: a host that acts, or the process that a migration goes to.
    let others =
      experiments.filter { $0.card.takesLoads }.map { $0.card.threads - 1 + ($0.card.migrates ? 1 : 0) }.max() ?? 0
    let mutators = config.mutators ?? (isVirtual ? 3 : max(host.cpus - 1 - hosts - others, 1))
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
      if let window = cell.setting.windowNs, cell.setting.clock == .real {
        return total + Double(config.repetitions) * (cell.experiment.card.windows * Double(window) + 100e6)
      }
      if cell.experiment.card.migrates, cell.setting.clock == .real {
        // Written before, sent, compared.
        let sent = Double(cell.guest.bytes) * (1e9 / (cell.setting.bandwidth ?? 1e9) + 2)
        return total + Double(config.repetitions) * (200e6 + sent)
      }
      let each: Double
      switch cell.strategy.card.effect {
      case .readsOnly: each = 400
      case .takesBuffers: each = 700
      case .takesBatches: each = 3000
      case .takesBlocks: each = 12_000
      }
      // Simulated instructions take some 40 times as long, once a cell.
      let simulated = counters == .simulated && cell.timesHold ? 300e6 + 40 * blocks * each : 0
      // Memory is populated for each session that gives it back.
      let actions = cell.experiment.card.delivers ? HostAction.allowed(cell.strategy.card.goal) : []
      let populating = Double(actions.count { $0.page != nil }) * 2 * 70e6
      return total + simulated + Double(config.repetitions) * (40e6 + 2 * blocks * each + populating)
    }
  }

  /// The most host memory in use at once.
  public var peakBytes: UInt64 {
    (batches.map { $0.reduce(0) { $0 + (footprints[$1]?.bytes ?? 0) } }.max() ?? 0)
      + (cells.map(RealMigrationMemory.bytes).max() ?? 0)
  }
}
