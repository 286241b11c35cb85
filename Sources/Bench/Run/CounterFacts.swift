import Instruments

/// How a run's hardware events were counted, for meta.json.
public struct CounterFacts: Encodable, Sendable {
  /// As in the column counters_source.
  public var source: String
  /// What counted: PAPI's kind of counts, or the simulator and its version.
  public var tool: String
  /// What was simulated; nil if nothing was.
  public var caches: SimulatedCaches?
  /// What a start and a stop with nothing between them count, by event. Part of every count; nothing is subtracted.
  public var overhead: [String: UInt64]

  enum CodingKeys: String, CodingKey {
    case source, tool, caches, overhead
  }

  /// Of a processor's own counters.
  init(_ counters: HardwareCounters) {
    source = Self.papi
    tool = "PAPI, user mode, not multiplexed"
    overhead = Dictionary(uniqueKeysWithValues: counters.overhead.map { ($0.key.name, $0.value) })
  }

  /// Of a simulation.
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
