import Bench
import Experiments
import Foundation
import GuestMemory
import Instruments
import Machine
import Records
import TestSupport

/// Small matrices, and machines that aren't there.
enum MatrixFixtures {
  static let roomy = Matrix.HostResources(cpus: 64, availableBytes: 1 << 45)

  static func group(
    _ guests: [String] = ["128M"], states: [String] = ["fresh"], _ strategies: [String] = ["none"]
  ) -> RunConfig.Group {
    var group = RunConfig.Group()
    group.guests = guests
    group.states = states
    group.strategies = strategies
    group.granule = "0"
    group.vmemmap = "4k"
    return group
  }

  static func config(_ groups: RunConfig.Group..., repetitions: Int = 2, seed: UInt64 = 1) -> RunConfig {
    var config = RunConfig()
    config.groups = groups
    config.repetitions = repetitions
    config.seed = seed
    config.experiments = ["scan:cache=warm"]
    config.counters = "off"
    return config
  }

  static func matrix(_ config: RunConfig, host: Matrix.HostResources = roomy) throws -> Matrix {
    try Matrix(config, host: host)
  }

  /// A configuration as a file has it, for these groups.
  static func decode(_ text: String, groups: [RunConfig.Group]) throws -> RunConfig {
    var config = try JSONDecoder().decode(RunConfig.self, from: Data(text.utf8))
    config.groups = groups
    return config
  }

  /// The capture in a file, for as long as `body` runs.
  static func withCapture<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "hintbench-test-" + UUID().uuidString
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  // A Debian machine of two nodes and 16 GiB.
  static let debian = """
    Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      2      2
    Node 0, zone    DMA32      2      1      1      2      1      0      0      1      0      1    490
    Node 0, zone   Normal      2      0      1      1      2      2      0      2      1      2   1495
    Node 1, zone   Normal      1      1      1      2      2      1      3      1      1      3   1990

    """

  // A virtual machine of 24 GiB.
  static let virtualMachine = """
    Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3
    Node 0, zone    DMA32      1      3      4      2      5      4      3      4      5      3    751
    Node 0, zone   Normal   3842   2236    146    706    248     55     14      6      0      0   1115

    """

  /// A capture's blocks from `order` up, row by row.
  static func blocks(_ buddyinfo: String, fromOrder order: Int) -> [Int] {
    buddyinfo.split(separator: "\n").map { line in
      line.split(separator: " ").dropFirst(4).dropFirst(order).reduce(0) { $0 + (Int($1) ?? 0) }
    }
  }

  static func captureConfig(_ path: String, _ strategies: [String], order: String? = nil) -> RunConfig {
    var group = group([], states: [], strategies)
    group.buddyinfo = path
    var config = config(group, repetitions: 1)
    config.order = order
    return config
  }
}

/// Stands for libpapi: counts what it is told to, or fails as it is told to.
enum FakeCounters {
  static func library(
    initialize: Int32 = 0, unknown: Set<CountedEvent> = [], stopCode: Int32 = 0, _ values: [CountedEvent: Int64] = [:]
  ) -> PAPILibrary {
    let state = State()
    return PAPILibrary(
      initialize: { initialize }, describe: { "error \($0)" }, disabledReason: { nil },
      createEventSet: { eventSet in
        eventSet = state.locked {
          $0.append(State.EventSet())
          return Int32($0.count - 1)
        }
        return 0
      },
      countUserMode: { _ in 0 },
      addEvent: { eventSet, event in
        if unknown.contains(event) { return -7 }
        state.locked { $0[Int(eventSet)].added.append(event) }
        return 0
      },
      removeEvent: { eventSet, event in
        state.locked { $0[Int(eventSet)].added.removeAll { $0 == event } }
        return 0
      },
      isMultiplexed: { _ in false },
      start: { eventSet in
        state.locked { $0[Int(eventSet)].starts += 1 }
        return 0
      },
      stop: { eventSet, counts in
        let own = state.locked { $0[Int(eventSet)] }
        // Opening tries once, and then what counting costs.
        if stopCode != 0 && own.starts > 1 + HardwareCounters.overheadRounds { return stopCode }
        counts = own.added.map { values[$0] ?? 0 }
        return 0
      },
      destroy: { _ in })
  }

  /// `@unchecked Sendable`: read and written under the lock.
  private final class State: @unchecked Sendable {
    struct EventSet {
      var added: [CountedEvent] = []
      var starts = 0
    }

    private var eventSets: [EventSet] = []
    private let lock = NSLock()

    func locked<Result>(_ body: (inout [EventSet]) -> Result) -> Result {
      lock.lock()
      defer { lock.unlock() }
      return body(&eventSets)
    }
  }
}

/// Keeps every repetition, and what was said of progress.
final class RecordingObserver: RunObserver {
  private(set) var results: [RepetitionResult] = []
  private(set) var progress: [(done: Int, total: Int, label: String)] = []
  var onFinished: (RepetitionResult) throws -> Void = { _ in }

  var runs: [RunRecord] { results.map(\.run) }
  var failures: [RunMeta.Failure] {
    results.compactMap { result in
      result.failure.map {
        RunMeta.Failure(
          cellID: result.run.identity.cellID, repetition: result.run.identity.repetition, reason: $0)
      }
    }
  }
  /// Cell and repetition, in the order they were run.
  var order: [RepetitionKey] { results.map(\.run.key) }

  func finished(_ repetition: RepetitionResult) throws {
    results.append(repetition)
    try onFinished(repetition)
  }

  func progress(done: Int, total: Int, label: String) { progress.append((done, total, label)) }
}

/// A matrix runner binds its thread to a CPU: it gets one of its own.
enum MatrixRun {
  struct Outcome {
    var cells: [CellRecord]
    var observer: RecordingObserver
    var unavailable: [RunMeta.Unavailable]
    var errors: [RunMeta.Failure]
    var guests: [JSONValue]
    var counters: CounterFacts?
  }

  static func run(
    _ matrix: Matrix, observer: RecordingObserver = RecordingObserver(), finished: [RunRecord] = [],
    numa: any NumaHost = LibNuma(), library: PAPILibrary = .system, callgrind: Callgrind? = nil
  ) throws -> Outcome {
    try onOwnThread {
      let runner = try MatrixRunner(
        matrix, RunIdentity(runID: "r", host: "h", commit: nil, branch: nil), numa: numa, library: library,
        callgrind: callgrind)
      let cells = try runner.run(observer, finished: finished)
      return Outcome(
        cells: cells, observer: observer, unavailable: runner.unavailable, errors: observer.failures,
        guests: runner.guests, counters: runner.counterFacts)
    }
  }
}
