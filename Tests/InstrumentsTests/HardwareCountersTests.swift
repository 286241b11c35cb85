import Instruments
import Testing

@Suite struct HardwareCountersTests {
  private func counters(_ papi: FakePAPI, events: [HardwareEvent] = HardwareEvent.allCases) throws -> HardwareCounters {
    switch try HardwareCounters.open(mode: .papi, events: events, library: papi.library) {
    case .counting(let counters): return counters
    case .unavailable(let reason): throw CounterError.unavailable(reason: reason)
    }
  }

  private func reason(_ opening: HardwareCounters.Opening) -> String? {
    if case .unavailable(let reason) = opening { reason } else { nil }
  }

  @Test func countsComeThroughByEvent() throws {
    let papi = FakePAPI()
    papi.values = [
      .cycles: 10, .instructions: 20, .l1dMisses: 30, .l2Misses: 40, .llcMisses: 50, .dtlbMisses: 60,
    ]
    let counters = try counters(papi)
    try counters.start()
    let reading = try counters.stop()
    #expect(reading.cycles == 10)
    #expect(reading.instructions == 20)
    #expect(reading.l1dMisses == 30)
    #expect(reading.l2Misses == 40)
    #expect(reading.llcMisses == 50)
    #expect(reading.dtlbMisses == 60)
    #expect(counters.events == HardwareEvent.allCases)
    #expect(counters.dropped.isEmpty)
  }

  @Test func anEventTheProcessorLacksIsEmptyWithItsReason() throws {
    let papi = FakePAPI()
    papi.unknown = [.llcMisses, .cycles]
    papi.values = [.instructions: 5, .dtlbMisses: 7]
    let counters = try counters(papi)
    try counters.start()
    let reading = try counters.stop()
    #expect(reading.cycles == nil)
    #expect(reading.llcMisses == nil)
    #expect(reading.instructions == 5)
    #expect(reading.dtlbMisses == 7)
    #expect(counters.dropped == [.llcMisses: "error -7", .cycles: "error -7"])
  }

  @Test func eventsThatDoNotFitAreDroppedAndNotMultiplexed() throws {
    let papi = FakePAPI()
    papi.room = 4
    let counters = try counters(papi)
    #expect(counters.events == [.cycles, .instructions, .l1dMisses, .l2Misses])
    #expect(Set(counters.dropped.keys) == [.llcMisses, .dtlbMisses])
  }

  @Test func eventsThatDoNotStartTogetherAreDroppedFromTheEnd() throws {
    let papi = FakePAPI()
    papi.startable = 2
    papi.values = [.cycles: 1, .instructions: 2]
    let counters = try counters(papi)
    #expect(counters.events == [.cycles, .instructions])
    #expect(counters.dropped.count == 4)
    try counters.start()
    #expect(try counters.stop().instructions == 2)
  }

  @Test func onlyWhatWasAskedForIsCountedAndOnce() throws {
    let papi = FakePAPI()
    let counters = try counters(papi, events: [.dtlbMisses, .cycles, .dtlbMisses])
    #expect(counters.events == [.dtlbMisses, .cycles])
    #expect(papi.added == [.dtlbMisses, .cycles])
  }

  @Test func whereNothingCanBeAddedThereIsAReasonAndNoCounter() throws {
    let papi = FakePAPI()
    papi.unknown = Set(HardwareEvent.allCases)
    let tree = try FakeTree(["/proc/sys/kernel/perf_event_paranoid": "3\n"])
    let opening = try tree.read { try HardwareCounters.open(mode: .auto, library: papi.library, files: $0) }
    #expect(reason(opening) == "PAPI: cycles: error -7; perf_event_paranoid is 3")
    #expect(papi.destroyed == 1)

    papi.disabledReason = "no PMU"
    let bare = try FakeTree().read {
      try HardwareCounters.open(mode: .auto, library: papi.library, files: $0)
    }
    #expect(reason(bare) == "PAPI: no PMU; the kernel has no perf_event_paranoid")
  }

  @Test func countersThatWereDemandedAndAreNotThereAreAnError() throws {
    let papi = FakePAPI()
    papi.startable = 0
    let library = papi.library
    #expect(throws: CounterError.self) { try HardwareCounters.open(mode: .papi, library: library) }
    papi.initialize = -3
    let empty = try FakeTree()
    let expected = CounterError.unavailable(reason: "PAPI: error -3; the kernel has no perf_event_paranoid")
    #expect(throws: expected) {
      try empty.read { try HardwareCounters.open(mode: .papi, library: library, files: $0) }
    }
    papi.initialize = 0
    papi.create = -2
    #expect(throws: CounterError.self) { try HardwareCounters.open(mode: .papi, library: library) }
  }

  @Test func whenOffTheLibraryIsNotTouched() throws {
    let papi = FakePAPI()
    papi.initialize = -3
    #expect(reason(try HardwareCounters.open(mode: .off, library: papi.library)) == "counters are off")
    #expect(papi.starts == 0)
  }

  @Test func noEventsCountNothing() throws {
    let opening = try HardwareCounters.open(mode: .auto, events: [], library: FakePAPI().library)
    #expect(reason(opening)?.contains("no event was asked for") == true)
  }

  @Test func aStopWithoutAStartHasNothing() throws {
    #expect(try counters(FakePAPI()).stop() == CounterReading())
  }

  @Test func aRefusedStopIsAnErrorAndEndsTheCount() throws {
    let papi = FakePAPI()
    let counters = try counters(papi)
    try counters.start()
    papi.stopCode = -6
    #expect(throws: CounterError.refused(call: "PAPI_stop", reason: "error -6")) { try counters.stop() }
    #expect(try counters.stop() == CounterReading())
  }

  @Test func aRefusedStartIsAnError() throws {
    let papi = FakePAPI()
    let counters = try counters(papi)
    papi.startable = 0
    #expect(throws: CounterError.refused(call: "PAPI_start", reason: "error -8")) { try counters.start() }
  }

  @Test func aNegativeCountIsEmpty() throws {
    let papi = FakePAPI()
    papi.values = [.cycles: -1, .instructions: 1]
    let counters = try counters(papi)
    try counters.start()
    let reading = try counters.stop()
    #expect(reading.cycles == nil)
    #expect(reading.instructions == 1)
  }

  @Test func whatWasOpenedIsGivenBackEvenWhileCounting() throws {
    let papi = FakePAPI()
    do {
      let counters = try counters(papi)
      try counters.start()
      #expect(papi.isRunning)
    }
    #expect(!papi.isRunning)
    #expect(papi.destroyed == 1)
  }

  /// Opens and uses the installed library's counters on this thread; what went wrong.
  private static func useInstalledLibrary() -> String? {
    do throws(CounterError) {
      switch try HardwareCounters.open(mode: .auto) {
      case .unavailable(let reason):
        return reason.isEmpty || reason.contains("\n") ? "a reason of not one line" : nil
      case .counting(let counters):
        try counters.start()
        let reading = try counters.stop()
        return counters.events.allSatisfy { reading[$0] != nil } ? nil : "an event without a count"
      }
    } catch {
      return error.description
    }
  }

  @Test func theInstalledLibraryCountsOrSaysWhyNotOnAnyThread() {
    for _ in 0..<20 {
      #expect(onOwnThread { Self.useInstalledLibrary() ?? Self.useInstalledLibrary() } == nil)
    }
  }

  @Test func theInstalledLibraryWorksOnSeveralThreadsAtOnce() async {
    await withTaskGroup(of: String?.self) { group in
      for _ in 0..<8 {
        group.addTask { onOwnThread { (0..<20).lazy.compactMap { _ in Self.useInstalledLibrary() }.first } }
      }
      for await failure in group { #expect(failure == nil) }
    }
  }
}
