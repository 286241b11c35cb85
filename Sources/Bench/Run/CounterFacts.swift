import Instruments

/// How hardware events were counted in a run, for meta.json.
public struct CounterFacts: Encodable, Sendable {
  /// The source, as in column counters_source.
  public var source: String
  /// The tool: PAPI's kind of counts, or the simulator and its version.
  public var tool: String
  /// The simulated caches; nil if nothing was simulated.
  public var caches: SimulatedCaches?
  /// The counts of an empty region, by event. They are part of every count; nothing is subtracted.
  public var overhead: [String: UInt64]

  enum CodingKeys: String, CodingKey {
    case source, tool, caches, overhead
  }

  /// Describes a processor's own counters.
  init(_ counters: HardwareCounters) {
    source = Self.papi
    tool = "PAPI, user mode, not multiplexed"
    overhead = Dictionary(uniqueKeysWithValues: counters.overhead.map { ($0.key.name, $0.value) })
  }

  /// Describes a simulation.
  init(_ callgrind: Callgrind, overhead: CounterReading) {
    source = Self.simulated
    tool = "callgrind of \(callgrind.version), once a cell"
    caches = callgrind.caches
    self.overhead = [:]
    for event in HardwareEvent.allCases { self.overhead[event.rawValue] = overhead[event] }
  }

  /// Values of counters_source.
  package static let papi = "papi"
  static let simulated = "simulated"
}
