import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Records

/// The cells of a run, checked and placed in memory before anything is allocated.
public struct Matrix: Sendable {
  public private(set) var config: RunConfig
  /// The machine the matrix was checked against.
  public let host: HostResources
  public let cells: [Cell]
  /// The host memory each guest will need.
  public let footprints: [GuestSpec: GuestFootprint]
  public let batches: [Batch]
  /// The captures, by fingerprint.
  let captures: [String: Capture]
  public let holdLimitNanoseconds: Double
  public let counters: CounterMode
  public private(set) var timeLimitNanoseconds: Double?
  /// What the user should know of the captures: what was taken from where, what isn't as the files say, what is missing.
  public let captureNotes: [String]
  /// What was left out of the defaults, with reasons: strategies that don't fit in memory, invalid cells.
  public let omissions: [String]
  /// Those of them that were asked for by name, and that no chosen experiment measures.
  public let unmet: [String]

  /// What the user should know before the run: cells with more measured threads than CPUs.
  public var warnings: [String] {
    var warnings: [String] = []
    let crowded = cells.filter(\.oversubscribed)
    if let most = crowded.map(\.threads).max() {
      warnings.append(
        "oversubscribed: \(crowded.count) of \(cells.count) cells have up to \(most) measured threads on "
          + "\(host.cpus) CPUs; they are marked, and excluded from verdicts")
    }
    return warnings
  }

  /// The same matrix with another number of repetitions and another time limit; the machine isn't looked at again.
  ///
  /// - Parameter timeLimit: nil: none. Nanoseconds.
  public func repeated(_ repetitions: Int, timeLimit: Double?) -> Matrix {
    var matrix = self
    matrix.config.repetitions = repetitions
    matrix.timeLimitNanoseconds = timeLimit
    return matrix
  }

  /// Guests that are in memory at the same time, so that their cells are interleaved.
  public struct Batch: Sendable {
    public var guests: [GuestSpec]
    public var cells: [Cell]
  }

  /// Expands a configuration and checks it against this machine.
  ///
  /// - Parameter experiments: the program's experiments.
  /// - Throws: ``UserError``: usage, an unusable capture, or a guest that doesn't fit, with the sizes needed and
  ///   available.
  public init(_ config: RunConfig, host: HostResources, experiments: ExperimentList) throws(UserError) {
    var config = config
    config.experiments = config.experiments ?? experiments.standard
    // So that the run says what it was, whatever a later version's default is.
    for index in config.groups.indices where config.groups[index].kernels.isEmpty {
      config.groups[index].kernels = [KernelVersion.standard.rawValue]
    }
    self.config = config
    self.host = host
    guard (1...100_000).contains(config.repetitions) else {
      throw .usage("invalid repetition count \(config.repetitions): expected 1 to 100000")
    }
    if let until = config.until, until != "decided" { throw .usage("invalid --until '\(until)': expected decided") }
    counters = try Self.choice(config.counters, "counters")
    holdLimitNanoseconds = try TimeSpan(config.holdLimit).nanoseconds
    timeLimitNanoseconds = try config.timeLimit.map { text throws(UserError) in try TimeSpan(text).nanoseconds }
    let chosen = try experiments.chosen(config.experiments)
    let counting = experiments.cards.filter(\.countsEvents).map(\.name).joined(separator: ", ")
    try Self.checkEvents(config, counters, chosen.map(\.card), counting: counting)

    var expansion = MatrixExpansion(config, chosen, host, lock: try Self.choice(config.lock, "lock"))
    for (index, group) in config.groups.enumerated() {
      guard let decided = try expansion.add(group) else { continue }
      self.config.groups[index].watermarks = decided.watermarks.rawValue
      self.config.groups[index].pageSize = decided.pageSize.rawValue
    }
    try expansion.requireUse(of: config.options)
    guard !expansion.cells.isEmpty else {
      throw .usage(
        expansion.obstacles.isEmpty
          ? "empty matrix: expected at least one guest, state and strategy"
          : expansion.obstacles.joined(separator: "; "))
    }
    if counters == .simulated { try Self.checkSimulated(expansion.cells, counting: counting) }
    try Self.checkMemory(expansion.cells, expansion.footprints, host)
    cells = expansion.cells
    footprints = expansion.footprints
    captures = expansion.captures
    captureNotes = expansion.captureNotes
    unmet = expansion.unmet
    omissions = expansion.omissions + expansion.obstacles + unmet
    batches = Self.batches(expansion)
  }

  /// Splits cells into batches. Cells without a modelled guest form their own batch; a guest that needs more than the
  /// available room gets a batch to itself.
  private static func batches(_ expansion: MatrixExpansion) -> [Batch] {
    var guests: [[GuestSpec]] = []
    var room: UInt64 = 0
    for guest in expansion.guests {
      let needed = expansion.footprints[guest]?.bytes ?? 0
      if guests.isEmpty || needed > room {
        guests.append([])
        room = expansion.batchRoom
      }
      guests[guests.count - 1].append(guest)
      room -= min(room, needed)
    }
    let alone = expansion.cells.filter { $0.modelledGuest == nil }
    return (alone.isEmpty ? [] : [Batch(guests: [], cells: alone)])
      + guests.map { guests in
        Batch(
          guests: guests, cells: expansion.cells.filter { $0.modelledGuest.map(guests.contains) ?? false })
      }
  }

  /// Checks that the memory that cells need beside their guests fits, too.
  private static func checkMemory(
    _ cells: [Cell], _ footprints: [GuestSpec: GuestFootprint], _ host: HostResources
  ) throws(UserError) {
    for cell in cells {
      guard let need = cell.experiment.memory(cell) else { continue }
      let bytes = need.bytes + (cell.modelledGuest.flatMap { footprints[$0]?.bytes } ?? 0)
      guard bytes > host.availableBytes else { continue }
      throw UserError(
        .unavailable,
        "\(need.what) needs \(ByteSize(bytes: bytes)) of host memory, \(need.purpose), and "
          + "\(ByteSize(bytes: host.availableBytes)) are available: expected \(need.accepted)")
    }
  }

  /// The resources of the machine that a matrix is checked against.
  public struct HostResources: Codable, Sendable {
    /// CPUs this process may run on.
    public var cpus: Int
    public var availableBytes: UInt64
    /// The NUMA nodes; empty if unknown.
    public var nodes: [HostNode]
    /// The last-level cache. Used only for time estimates. Bytes.
    public var lastLevelCacheBytes: Int

    public init(cpus: Int, availableBytes: UInt64, nodes: [HostNode] = [], lastLevelCacheBytes: Int = 32 << 20) {
      self.cpus = cpus
      self.availableBytes = availableBytes
      self.nodes = nodes
      self.lastLevelCacheBytes = lastLevelCacheBytes
    }

    /// Returns the machine with only the memory a guest can get under this placement: memory is bound to its nodes and
    /// doesn't spill over.
    func room(_ placement: Placement, modelledNodes: Int) -> HostResources {
      let free = nodes.filter { $0.memoryBytes != 0 }.compactMap(\.freeBytes)
      guard free.count > 1, let least = free.min() else { return self }
      let used = placement == .matrix ? 1 : min(free.count, modelledNodes)
      var room = self
      room.availableBytes = min(availableBytes, least * UInt64(used))
      return room
    }

    /// The host nodes for a guest's memory, one cell each; nil leaves the choice to its modelled nodes.
    func memoryNodes(_ placement: Placement) -> [Int?] {
      let known = nodes.filter { $0.memoryBytes != 0 }.map(\.id)
      return placement == .local ? [nil] : known.isEmpty ? [0] : known
    }

    /// The host nodes for the scanner, one cell each; nil follows the memory.
    func scanNodes(_ placement: Placement) -> [Int?] {
      let known = nodes.filter { !$0.cpus.isEmpty }.map(\.id)
      return placement == .local ? [nil] : known.isEmpty ? [0] : known
    }

    /// This machine.
    public static var current: HostResources {
      HostResources(
        cpus: (try? ThreadPlacement.allowedCPUs().count) ?? 1,
        availableBytes: HostFacts.availableMemoryBytes() ?? 1 << 30, nodes: LibNuma().nodes,
        lastLevelCacheBytes: HostFacts.gather().lastLevelCacheBytes ?? 32 << 20)
    }
  }

  static func choice<T: RawRepresentable & CaseIterable>(_ text: String, _ what: String) throws(UserError) -> T
  where T.RawValue == String {
    guard let value = T(rawValue: text) else {
      throw .usage("invalid \(what) '\(text)': expected one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }

  /// Checks the events that were asked for by name.
  ///
  /// - Parameter counting: the experiments that count, for messages.
  private static func checkEvents(
    _ config: RunConfig, _ counters: CounterMode, _ experiments: [ExperimentCard], counting: String
  ) throws(UserError) {
    guard !config.events.isEmpty else { return }
    guard counters == .auto || counters == .papi else {
      throw .usage("--events needs --counters auto or papi")
    }
    guard experiments.contains(where: \.countsEvents) else {
      throw .usage("\(experiments.map(\.name).joined(separator: ", ")) counts no events: expected \(counting)")
    }
    for (index, name) in config.events.enumerated() {
      guard !name.isEmpty, name.allSatisfy({ $0.isASCII && !$0.isWhitespace }) else {
        throw .usage("invalid event '\(name)': expected a PAPI name, such as perf::BRANCH-MISSES or PAPI_BR_MSP")
      }
      guard !isOutsideUserMode(name) else {
        throw .usage(
          "invalid event '\(name)': expected user mode only (no :k or :h)")
      }
      guard !config.events[..<index].contains(name) else { throw .usage("the event '\(name)' is given twice") }
    }
  }

  /// Whether a libpfm4 modifier makes the event count in the kernel (k) or the hypervisor (h), too.
  private static func isOutsideUserMode(_ event: String) -> Bool {
    event.lowercased().split(separator: ":").dropFirst().contains { part in
      let sides = part.split(separator: "=", maxSplits: 1)
      guard let name = sides.first, name == "k" || name == "h" else { return false }
      return sides.count == 1 || !["0", "n", "f", "no", "false"].contains(sides[1])
    }
  }

  /// Checks that cells can be simulated: a simulated count is reproducible only for code that runs alone and reads no
  /// clock, and valgrind lacks the address space for the largest guests.
  ///
  /// - Parameter counting: the experiments that count, for messages.
  private static func checkSimulated(_ cells: [Cell], counting: String) throws(UserError) {
    for cell in cells {
      guard cell.experimentCard.countsEvents, cell.load == .none, cell.hostAckNs == 0, cell.scanners == .one
      else {
        throw .usage(
          "--counters simulated is deterministic only without other threads or clocks: expected \(counting) with "
            + "load=none, host-ack-ns=0 and scanners=one")
      }
    }
    for cell in cells where cell.guest.bytes >> UInt64(cell.guest.granuleOrder) > 1 << 40 {
      throw UserError(
        .unavailable,
        "valgrind has too little address space for the vmemmap of a guest of \(ByteSize(bytes: cell.guest.bytes)): "
          + "expected at most 1T, a coarser --granule, or --counters off")
    }
  }

  static func order(
    _ text: String?, _ strategy: ConfiguredStrategy, highest: Int, granule: Int
  ) throws(UserError) -> Int {
    switch text {
    case nil: return strategy.order(wanted: highest, highest: highest)
    case "native": return max(strategy.order(wanted: strategy.nativeOrder(highest: highest), highest: highest), granule)
    case .some(let text):
      guard let order = Int(text), (0...10).contains(order) else {
        throw .usage("invalid order '\(text)': expected 0 to 10, or native")
      }
      return max(strategy.order(wanted: order, highest: highest), granule)
    }
  }
}

extension Matrix {
  /// The estimated time of the run. Nanoseconds.
  public var estimatedNanoseconds: Double {
    let repetitions = cells.reduce(0) { $0 + $1.estimatedNanoseconds(host) } * Double(config.repetitions)
    // Simulation runs each cell once, some 40 times slower.
    let simulated =
      counters == .simulated
      ? cells.filter(\.timesHold).reduce(0) { $0 + 300e6 + 40 * $1.blocks * $1.sessionNsPerBlock } : 0
    let building = batches.flatMap(\.guests).reduce(0) { $0 + $1.buildNanoseconds }
    return repetitions + simulated + building
  }

  /// The peak host memory in use.
  public var peakBytes: UInt64 {
    (batches.map { $0.guests.reduce(0) { $0 + (footprints[$1]?.bytes ?? 0) } }.max() ?? 0)
      + (cells.compactMap { $0.experiment.memory($0)?.bytes }.max() ?? 0)
  }
}
