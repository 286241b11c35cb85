/// Counts hardware events of the thread that opened it, in user mode.
///
/// Events are counted together or not at all: nothing is multiplexed, so no count is an estimate. Open one at a time on
/// a thread, and use and release it there; the type is not `Sendable` so that it stays there.
public final class HardwareCounters {
  /// What ``open(mode:events:library:files:)`` found.
  public enum Opening {
    /// At least one event can be counted.
    case counting(HardwareCounters)
    /// None can; why, in one line.
    case unavailable(reason: String)
  }

  /// The events that are counted.
  public private(set) var events: [HardwareEvent] = []
  /// The events asked for that are not counted, and why.
  public private(set) var dropped: [HardwareEvent: String] = [:]

  private let library: PAPILibrary
  private let eventSet: Int32
  private var isCounting = false

  /// Opens counters on the calling thread.
  ///
  /// - Parameters:
  ///   - events: what to count; where not all fit, the earlier are kept.
  ///   - files: where the reason's perf_event_paranoid is read.
  /// - Throws: ``CounterError/unavailable(reason:)`` where `mode` is `papi` and nothing can be counted.
  public static func open(
    mode: CounterMode, events: [HardwareEvent] = HardwareEvent.allCases, library: PAPILibrary = .system,
    files: HostFiles = HostFiles()
  ) throws(CounterError) -> Opening {
    if mode == .off { return .unavailable(reason: "counters are off") }
    let reason: String
    switch attempt(events: events, library: library) {
    case .success(let counters): return .counting(counters)
    case .failure(let failure): reason = failure.text
    }
    let paranoid = files.integer("/proc/sys/kernel/perf_event_paranoid")
    let level = paranoid.map { "perf_event_paranoid is \($0)" } ?? "the kernel has no perf_event_paranoid"
    let line = "PAPI: \(reason); \(level)"
    if mode == .papi { throw .unavailable(reason: line) }
    return .unavailable(reason: line)
  }

  /// Begins to count, from 0. Without effect while counting.
  ///
  /// - Throws: ``CounterError/refused(call:reason:)``.
  public func start() throws(CounterError) {
    guard !isCounting else { return }
    let code = library.start(eventSet)
    guard code == 0 else { throw .refused(call: "PAPI_start", reason: library.describe(code)) }
    isCounting = true
  }

  /// Ends counting and gives the counts since the start; nothing counted where there was no start.
  ///
  /// - Throws: ``CounterError/refused(call:reason:)``.
  public func stop() throws(CounterError) -> CounterReading {
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

  private static func attempt(events: [HardwareEvent], library: PAPILibrary) -> Result<HardwareCounters, Failure> {
    var code = library.initialize()
    guard code == 0 else { return .failure(Failure(text: library.describe(code))) }
    var eventSet: Int32 = 0
    code = library.createEventSet(&eventSet)
    guard code == 0 else { return .failure(Failure(text: library.describe(code))) }
    let counters = HardwareCounters(library: library, eventSet: eventSet)

    for event in events where !counters.events.contains(event) && counters.dropped[event] == nil {
      code = library.addEvent(eventSet, event)
      if code == 0 { counters.events.append(event) } else { counters.dropped[event] = library.describe(code) }
    }
    // Events that could be added may still not fit: a counter can be taken by the kernel's watchdog.
    while let last = counters.events.last {
      code = counters.trial()
      if code == 0 { return .success(counters) }
      guard library.removeEvent(eventSet, last) == 0 else { return .failure(Failure(text: library.describe(code))) }
      counters.events.removeLast()
      counters.dropped[last] = library.describe(code)
    }
    // Only after trying to add does PAPI know why its component is off.
    let first = events.first.flatMap { event in counters.dropped[event].map { "\(event.rawValue): \($0)" } }
    return .failure(Failure(text: library.disabledReason() ?? first ?? "no event was asked for"))
  }

  /// Counts nothing for a moment. 0, or the library's error.
  private func trial() -> Int32 {
    let code = library.start(eventSet)
    guard code == 0 else { return code }
    var values = [Int64](repeating: 0, count: events.count)
    return library.stop(eventSet, &values)
  }
}
