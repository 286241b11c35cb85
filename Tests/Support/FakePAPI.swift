import Foundation
import Instruments

/// Stands for libpapi: has room for some events, fails where told, and counts what it is asked.
///
/// `@unchecked Sendable`: each test uses its own, on one thread.
public final class FakePAPI: @unchecked Sendable {
  public init() {}

  public var initialize: Int32 = 0
  public var create: Int32 = 0
  public var disabledReason: String?
  /// Events it doesn't know.
  public var unknown: Set<CountedEvent> = []
  /// How many events can be added.
  public var room = Int.max
  /// How many can be started together.
  public var startable = Int.max
  /// What stopping gives, by event.
  public var values: [CountedEvent: Int64] = [:]
  /// What the first stops give instead, in order.
  public var firstValues: [[CountedEvent: Int64]] = []
  public var stopCode: Int32 = 0
  /// What asking for user mode alone gives.
  public var domainCode: Int32 = 0
  public var isMultiplexed = false

  public private(set) var added: [CountedEvent] = []
  /// Event sets that were told to count in user mode, while they were empty.
  public private(set) var inUserMode = 0
  public private(set) var starts = 0
  public private(set) var isRunning = false
  public private(set) var destroyed = 0

  public var library: PAPILibrary {
    PAPILibrary(
      initialize: { self.initialize },
      describe: { "error \($0)" },
      disabledReason: { self.disabledReason },
      createEventSet: { eventSet in
        eventSet = 42
        return self.create
      },
      countUserMode: { eventSet in
        if eventSet == 42 && self.added.isEmpty && self.domainCode == 0 { self.inUserMode += 1 }
        return self.domainCode
      },
      addEvent: { eventSet, event in
        if eventSet != 42 { return -11 }
        if self.unknown.contains(event) { return -7 }
        if self.added.count >= self.room { return -8 }
        self.added.append(event)
        return 0
      },
      removeEvent: { _, event in
        self.added.removeAll { $0 == event }
        return 0
      },
      isMultiplexed: { _ in self.isMultiplexed },
      start: { _ in
        if self.added.count > self.startable { return -8 }
        self.starts += 1
        self.isRunning = true
        return 0
      },
      stop: { _, values in
        self.isRunning = false
        if self.stopCode != 0 { return self.stopCode }
        let counts = self.firstValues.isEmpty ? self.values : self.firstValues.removeFirst()
        values = self.added.map { counts[$0] ?? 0 }
        return 0
      },
      destroy: { _ in self.destroyed += 1 })
  }
}
