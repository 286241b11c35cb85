import CPAPI
import Foundation

/// The calls into PAPI that counting needs. Tests replace them.
///
/// Numbers are PAPI's own: 0 is success, a negative number an error. Only the thread that created an event set may use
/// it.
public struct PAPILibrary: Sendable {
  /// Initializes the library and the calling thread; called before each ``createEventSet``.
  public var initialize: @Sendable () -> Int32
  /// The message for an error number.
  public var describe: @Sendable (Int32) -> String
  /// Why the processor's counters are disabled, if the library knows.
  public var disabledReason: @Sendable () -> String?
  /// Creates an empty event set.
  public var createEventSet: @Sendable (_ eventSet: inout Int32) -> Int32
  /// Makes an empty event set count the processor's events in user mode only.
  public var countUserMode: @Sendable (_ eventSet: Int32) -> Int32
  /// Adds an event, without multiplexing. Results are in the order of adding.
  public var addEvent: @Sendable (_ eventSet: Int32, CountedEvent) -> Int32
  /// Removes an event.
  public var removeEvent: @Sendable (_ eventSet: Int32, CountedEvent) -> Int32
  /// Whether the library would multiplex counters, so that counts were estimates.
  public var isMultiplexed: @Sendable (_ eventSet: Int32) -> Bool
  /// Starts counting from 0.
  public var start: @Sendable (_ eventSet: Int32) -> Int32
  /// Stops, and returns one value per added event.
  public var stop: @Sendable (_ eventSet: Int32, _ values: inout [Int64]) -> Int32
  /// Releases the event set, and the thread's initialization.
  public var destroy: @Sendable (_ eventSet: Int32) -> Void

  public init(
    initialize: @escaping @Sendable () -> Int32,
    describe: @escaping @Sendable (Int32) -> String,
    disabledReason: @escaping @Sendable () -> String?,
    createEventSet: @escaping @Sendable (inout Int32) -> Int32,
    countUserMode: @escaping @Sendable (Int32) -> Int32,
    addEvent: @escaping @Sendable (Int32, CountedEvent) -> Int32,
    removeEvent: @escaping @Sendable (Int32, CountedEvent) -> Int32,
    isMultiplexed: @escaping @Sendable (Int32) -> Bool,
    start: @escaping @Sendable (Int32) -> Int32,
    stop: @escaping @Sendable (Int32, inout [Int64]) -> Int32,
    destroy: @escaping @Sendable (Int32) -> Void
  ) {
    self.initialize = initialize
    self.describe = describe
    self.disabledReason = disabledReason
    self.createEventSet = createEventSet
    self.countUserMode = countUserMode
    self.addEvent = addEvent
    self.removeEvent = removeEvent
    self.isMultiplexed = isMultiplexed
    self.start = start
    self.stop = stop
    self.destroy = destroy
  }

  /// The installed libpapi.
  public static let system = PAPILibrary(
    initialize: {
      let code = libraryState
      guard code == PAPI_OK else { return code }
      // By itself PAPI doesn't always notice a new thread, and then crashes.
      return locked { PAPI_register_thread() }
    },
    describe: { PAPI_strerror($0).map { String(cString: $0) } ?? "PAPI error \($0)" },
    disabledReason: {
      guard libraryState == PAPI_OK, let reason = cpapi_cpu_disabled_reason() else { return nil }
      let text = String(cString: reason).split(separator: "\n").first.map { $0.trimmingBlanks() }
      return text?.isEmpty == false ? text : nil
    },
    createEventSet: { eventSet in
      eventSet = cpapi_null()
      return locked { PAPI_create_eventset(&eventSet) }
    },
    countUserMode: { eventSet in locked { cpapi_count_user_mode(eventSet) } },
    addEvent: { eventSet, event in
      locked {
        switch event {
        case .column(let event): PAPI_add_event(eventSet, code(of: event))
        case .named(let name): PAPI_add_named_event(eventSet, name)
        }
      }
    },
    removeEvent: { eventSet, event in
      locked {
        switch event {
        case .column(let event): PAPI_remove_event(eventSet, code(of: event))
        case .named(let name): PAPI_remove_named_event(eventSet, name)
        }
      }
    },
    isMultiplexed: { eventSet in locked { PAPI_get_multiplex(eventSet) > 0 } },
    start: { PAPI_start($0) },
    stop: { eventSet, values in PAPI_stop(eventSet, &values) },
    destroy: { eventSet in
      locked {
        var eventSet = eventSet
        // In this order: the event set of an unregistered thread is freed memory.
        PAPI_cleanup_eventset(eventSet)
        PAPI_destroy_eventset(&eventSet)
        PAPI_unregister_thread()
      }
    })

  /// PAPI_library_init() and thread support, once per process.
  private static let libraryState: Int32 = {
    let version = PAPI_library_init(cpapi_version())
    guard version == cpapi_version() else { return version < 0 ? version : PAPI_EINVAL }
    return cpapi_thread_init()
  }()

  private static let lock = NSLock()

  private static func locked<Result>(_ body: () -> Result) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return body()
  }

  private static func code(of event: HardwareEvent) -> Int32 {
    switch event {
    case .cycles: cpapi_tot_cyc()
    case .instructions: cpapi_tot_ins()
    case .l1dMisses: cpapi_l1_dcm()
    case .l2Misses: cpapi_l2_dcm()
    case .llcMisses: cpapi_l3_tcm()
    case .dtlbMisses: cpapi_tlb_dm()
    }
  }
}
