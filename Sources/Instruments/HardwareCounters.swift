import Glibc
import Machine
import Records

/// Counts hardware events of the thread that opened it, in user mode.
///
/// Events are counted together or not at all: nothing is multiplexed, so no count is an estimate. Open one at a time on
/// a thread, and use and release it there; the type is not `Sendable` so that it stays there, and refuses other
/// threads.
public final class HardwareCounters {
  /// What ``open(mode:events:named:library:files:)`` found.
  public enum Opening {
    /// At least one event can be counted.
    case counting(HardwareCounters)
    /// None can; why, in one line.
    case unavailable(reason: String)
  }

  /// The events that are counted.
  public private(set) var events: [CountedEvent] = []
  /// The events asked for that are not counted, and why.
  public private(set) var dropped: [CountedEvent: String] = [:]
  /// What a start and a stop with nothing between them count: the median of ``overheadRounds`` trials. It is part of
  /// every count; nothing is subtracted.
  public private(set) var overhead: [CountedEvent: UInt64] = [:]

  /// Trials behind each figure of ``overhead``.
  public static let overheadRounds = 31

  private let library: PAPILibrary
  private let eventSet: Int32
  private let owner = pthread_self()
  private var isCounting = false

  /// Opens counters on the calling thread.
  ///
  /// - Parameters:
  ///   - events: what to count of that which has a column.
  ///   - named: what else to count, by PAPI's names. Where not all fit, these go before `events`, and the earlier
  ///   first.
  ///   - files: where is looked why there are no counters.
  /// - Throws: where `mode` is `papi`: ``CounterError/unavailable(reason:)`` if nothing can be counted, and
  ///   ``CounterError/event(name:reason:)`` for one of `named` that can't.
  public static func open(
    mode: CounterMode, events: [HardwareEvent] = HardwareEvent.allCases, named: [String] = [],
    library: PAPILibrary = .system, files: HostFiles = HostFiles()
  ) throws(CounterError) -> Opening {
    switch mode {
    case .auto, .papi: break
    case .simulated: return .unavailable(reason: "counts are simulated")
    case .off: return .unavailable(reason: "counters are off")
    }
    let wanted = named.map { CountedEvent.named($0) } + events.map { CountedEvent.column($0) }
    switch attempt(wanted, library: library) {
    case .success(let counters):
      if mode == .papi, let name = named.first(where: { counters.dropped[.named($0)] != nil }) {
        throw .event(name: name, reason: counters.dropped[.named(name)] ?? "")
      }
      return .counting(counters)
    case .failure(let failure):
      // Where all of PAPI is off it says nothing of the events that were asked for by name.
      let unsaid = named.filter { !failure.text.contains($0) }
      let asked = unsaid.isEmpty ? "" : ", so no \(unsaid.joined(separator: ", "))"
      let line = "PAPI: \(failure.text)\(asked); \(CounterAccess.explanation(files))"
      if mode == .papi { throw .unavailable(reason: line) }
      return .unavailable(reason: line)
    }
  }

  /// Begins to count, from 0. Without effect while counting.
  ///
  /// - Throws: ``CounterError/refused(call:reason:)``, ``CounterError/otherThread``.
  public func start() throws(CounterError) {
    try checkThread()
    guard !isCounting else { return }
    let code = library.start(eventSet)
    guard code == 0 else { throw .refused(call: "PAPI_start", reason: library.describe(code)) }
    isCounting = true
  }

  /// Ends counting and gives the counts since the start; nothing counted where there was no start.
  ///
  /// - Throws: ``CounterError/refused(call:reason:)``, ``CounterError/otherThread``.
  public func stop() throws(CounterError) -> CounterReading {
    try checkThread()
    var reading = CounterReading()
    guard isCounting else { return reading }
    isCounting = false
    var values = [Int64](repeating: 0, count: events.count)
    let code = library.stop(eventSet, &values)
    guard code == 0 else { throw .refused(call: "PAPI_stop", reason: library.describe(code)) }
    for (event, value) in zip(events, values) { reading[event] = UInt64(exactly: value) }
    return reading
  }

  deinit {
    if isCounting {
      var values = [Int64](repeating: 0, count: events.count)
      _ = library.stop(eventSet, &values)
    }
    library.destroy(eventSet)
  }

  private struct Failure: Error { var text: String }

  private init(library: PAPILibrary, eventSet: Int32) {
    self.library = library
    self.eventSet = eventSet
  }

  private func checkThread() throws(CounterError) {
    guard pthread_equal(owner, pthread_self()) != 0 else { throw .otherThread }
  }

  private static func attempt(_ wanted: [CountedEvent], library: PAPILibrary) -> Result<HardwareCounters, Failure> {
    var code = library.initialize()
    guard code == 0 else { return .failure(Failure(text: library.describe(code))) }
    var eventSet: Int32 = 0
    code = library.createEventSet(&eventSet)
    guard code == 0 else { return .failure(Failure(text: library.describe(code))) }
    let counters = HardwareCounters(library: library, eventSet: eventSet)
    let domain = library.countUserMode(eventSet)

    for event in wanted where !counters.events.contains(event) && counters.dropped[event] == nil {
      code = library.addEvent(eventSet, event)
      if code == 0 { counters.events.append(event) } else { counters.dropped[event] = library.describe(code) }
    }
    guard domain == 0 || counters.events.isEmpty else {
      return .failure(Failure(text: "counting in user mode alone: \(library.describe(domain))"))
    }
    guard !library.isMultiplexed(eventSet) else {
      return .failure(Failure(text: "the library multiplexes, and its counts would be estimates"))
    }
    // Events that could be added may still not fit: a counter can be taken by the kernel's watchdog.
    while let last = counters.events.last {
      code = counters.trial()
      if code == 0 {
        counters.measureOverhead()
        return .success(counters)
      }
      guard library.removeEvent(eventSet, last) == 0 else { return .failure(Failure(text: library.describe(code))) }
      counters.events.removeLast()
      counters.dropped[last] = library.describe(code)
    }
    // Only after trying to add does PAPI know why its component is off.
    let first = wanted.first.flatMap { event in counters.dropped[event].map { "\(event.name): \($0)" } }
    return .failure(Failure(text: library.disabledReason() ?? first ?? "no event was requested"))
  }

  /// Counts nothing for a moment. 0, or the library's error.
  private func trial() -> Int32 {
    var values = [Int64](repeating: 0, count: events.count)
    return trial(&values)
  }

  private func trial(_ values: inout [Int64]) -> Int32 {
    let code = library.start(eventSet)
    return code == 0 ? library.stop(eventSet, &values) : code
  }

  private func measureOverhead() {
    var trials: [[Int64]] = []
    for _ in 0..<Self.overheadRounds {
      var values = [Int64](repeating: 0, count: events.count)
      guard trial(&values) == 0 else { return }
      trials.append(values)
    }
    for (index, event) in events.enumerated() {
      overhead[event] = UInt64(exactly: trials.map { $0[index] }.sorted()[trials.count / 2])
    }
  }
}

/// Where counts of hardware events come from.
public enum CounterMode: String, CaseIterable, Codable, Sendable {
  /// From PAPI where it works, else nothing is counted.
  case auto
  /// From PAPI; an error where it doesn't work.
  case papi
  /// Instructions and cache misses from a simulation by valgrind's callgrind; an error where it doesn't work.
  case simulated
  /// Nothing is counted.
  case off
}

/// What keeps hardware events from being counted.
public enum CounterError: UserFacing, Equatable, Sendable {
  /// Counters were demanded and there are none; why, in one line.
  case unavailable(reason: String)
  /// An event that was demanded by name can't be counted; why, in one line.
  case event(name: String, reason: String)
  /// The library refused a call on counters that had worked; which, and in its words.
  case refused(call: String, reason: String)
  /// Counters were used on another thread than that which opened them and whose events they count.
  case otherThread
  /// A simulation was demanded and there can be none; why, in one line.
  case noSimulation(reason: String)

  /// Something that is needed isn't there.
  public var failureKind: UserError.Kind { .unavailable }

  /// One line.
  public var description: String {
    switch self {
    case .unavailable(let reason): "no hardware counters: \(reason)"
    case .event(let name, let reason):
      "the event '\(name)' can't be counted: \(reason); expected an event that papi_native_avail or papi_avail lists, "
        + "no more than the processor counts at once, or --counters auto to run without"
    case .refused(let call, let reason): "\(call): \(reason)"
    case .otherThread: "counters were opened on another thread"
    case .noSimulation(let reason): "no simulated counters: \(reason)"
    }
  }
}
