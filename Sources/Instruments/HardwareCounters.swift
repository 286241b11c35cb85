import Glibc
import Machine
import Records

/// Counts hardware events of the thread that opened it, in user mode.
///
/// Events are counted together or not at all: nothing is multiplexed, so no count is an estimate. Open one at a time
/// per thread, and use and release it on that thread; the type isn't `Sendable`, and refuses other threads.
public final class HardwareCounters {
  /// The result of ``open(mode:events:named:library:files:)``.
  public enum Opening {
    /// At least one event can be counted.
    case counting(HardwareCounters)
    /// No event can be counted; the reason, in one line.
    case unavailable(reason: String)
  }

  /// The counted events.
  public private(set) var events: [CountedEvent] = []
  /// The requested events that aren't counted, with reasons.
  public private(set) var dropped: [CountedEvent: String] = [:]
  /// The counts of an empty region: the median of ``overheadRounds`` trials. It is part of every count; nothing is
  /// subtracted.
  public private(set) var overhead: [CountedEvent: UInt64] = [:]

  /// The number of trials for ``overhead``.
  public static let overheadRounds = 31

  private let library: PAPILibrary
  private let eventSet: Int32
  private let owner = pthread_self()
  private var isCounting = false

  /// Opens counters on the calling thread.
  ///
  /// - Parameters:
  ///   - events: the events with a column.
  ///   - named: other events, by PAPI's names. If not all fit, these take precedence over `events`, in order.
  ///   - files: where the reason for missing counters is looked up.
  /// - Throws: if `mode` is `papi`: ``CounterError/unavailable(reason:)`` if nothing can be counted,
  ///   ``CounterError/event(name:reason:)`` if one of `named` can't be.
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
      // If all of PAPI is off, there are no reasons per event.
      let unsaid = named.filter { !failure.text.contains($0) }
      let asked = unsaid.isEmpty ? "" : ", so no \(unsaid.joined(separator: ", "))"
      let line = "PAPI: \(failure.text)\(asked); \(CounterAccess.explanation(files))"
      if mode == .papi { throw .unavailable(reason: line) }
      return .unavailable(reason: line)
    }
  }

  /// Starts counting from 0. Does nothing while counting.
  ///
  /// - Throws: ``CounterError/refused(call:reason:)``, ``CounterError/otherThread``.
  public func start() throws(CounterError) {
    try checkThread()
    guard !isCounting else { return }
    let code = library.start(eventSet)
    guard code == 0 else { throw .refused(call: "PAPI_start", reason: library.describe(code)) }
    isCounting = true
  }

  /// Stops counting and returns the counts since the start; an empty reading without a start.
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
    // Events that were added may still not fit: the kernel's watchdog may use a counter.
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
    // PAPI knows why its component is off only after a try to add an event.
    let first = wanted.first.flatMap { event in counters.dropped[event].map { "\(event.name): \($0)" } }
    return .failure(Failure(text: library.disabledReason() ?? first ?? "no event was requested"))
  }

  /// Counts an empty region. Returns 0, or the library's error.
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

/// The source of hardware event counts.
public enum CounterMode: String, CaseIterable, Codable, Sendable {
  /// PAPI if it works, otherwise none.
  case auto
  /// PAPI; an error if it doesn't work.
  case papi
  /// Instructions and cache misses simulated by valgrind's callgrind; an error if it doesn't work.
  case simulated
  /// None.
  case off
}

/// Why hardware events can't be counted.
public enum CounterError: UserFacing, Equatable, Sendable {
  /// Counters were required but aren't available; the reason, in one line.
  case unavailable(reason: String)
  /// An event that was required by name can't be counted; the reason, in one line.
  case event(name: String, reason: String)
  /// The library refused a call on working counters; the call, and the library's message.
  case refused(call: String, reason: String)
  /// Counters were used on a thread other than the one that opened them.
  case otherThread
  /// A simulation was required but isn't available; the reason, in one line.
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
