import CHost
import Foundation
import Instruments
import TestSupport
import Testing

@Suite struct HardwareCountersTests {
  private static let all = HardwareEvent.allCases.map { CountedEvent.column($0) }

  private func counters(
    _ papi: FakePAPI, mode: CounterMode = .papi, events: [HardwareEvent] = HardwareEvent.allCases, named: [String] = []
  ) throws -> HardwareCounters {
    switch try HardwareCounters.open(mode: mode, events: events, named: named, library: papi.library) {
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
      .column(.cycles): 10, .column(.instructions): 20, .column(.l1dMisses): 30, .column(.l2Misses): 40,
      .column(.llcMisses): 50, .column(.dtlbMisses): 60,
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
    #expect(counters.events == Self.all)
    #expect(counters.dropped.isEmpty)
  }

  @Test func anEventTheProcessorLacksIsEmptyWithItsReason() throws {
    let papi = FakePAPI()
    papi.unknown = [.column(.llcMisses), .column(.cycles)]
    papi.values = [.column(.instructions): 5, .column(.dtlbMisses): 7]
    let counters = try counters(papi)
    try counters.start()
    let reading = try counters.stop()
    #expect(reading.cycles == nil)
    #expect(reading.llcMisses == nil)
    #expect(reading.instructions == 5)
    #expect(reading.dtlbMisses == 7)
    #expect(counters.dropped == [.column(.llcMisses): "error -7", .column(.cycles): "error -7"])
  }

  @Test func eventsThatDoNotFitAreDroppedAndNotMultiplexed() throws {
    let papi = FakePAPI()
    papi.room = 4
    let counters = try counters(papi)
    #expect(counters.events == Array(Self.all.prefix(4)))
    #expect(Set(counters.dropped.keys) == Set(Self.all.suffix(2)))
  }

  @Test func eventsThatDoNotStartTogetherAreDroppedFromTheEnd() throws {
    let papi = FakePAPI()
    papi.startable = 2
    papi.values = [.column(.cycles): 1, .column(.instructions): 2]
    let counters = try counters(papi)
    #expect(counters.events == Array(Self.all.prefix(2)))
    #expect(counters.dropped.count == 4)
    try counters.start()
    #expect(try counters.stop().instructions == 2)
  }

  @Test func onlyWhatWasAskedForIsCountedAndOnce() throws {
    let papi = FakePAPI()
    let counters = try counters(papi, events: [.dtlbMisses, .cycles, .dtlbMisses])
    #expect(counters.events == [.column(.dtlbMisses), .column(.cycles)])
    #expect(papi.added == [.column(.dtlbMisses), .column(.cycles)])
  }

  @Test func whereNothingCanBeAddedThereIsAReasonAndNoCounter() throws {
    let papi = FakePAPI()
    papi.unknown = Set(Self.all)
    let tree = try FakeTree(["/proc/sys/kernel/perf_event_paranoid": "3\n"])
    let opening = try tree.read { try HardwareCounters.open(mode: .auto, library: papi.library, files: $0) }
    #expect(reason(opening)?.hasPrefix("PAPI: cycles: error -7; perf_event_paranoid is 3") == true)
    #expect(papi.destroyed == 1)

    papi.disabledReason = "no PMU"
    let bare = try FakeTree().read {
      try HardwareCounters.open(mode: .auto, library: papi.library, files: $0)
    }
    #expect(reason(bare)?.hasPrefix("PAPI: no PMU; this kernel has no performance events") == true)
  }

  @Test func countersThatWereDemandedAndAreNotThereAreAnError() throws {
    let papi = FakePAPI()
    papi.startable = 0
    let library = papi.library
    #expect(throws: CounterError.self) { try HardwareCounters.open(mode: .papi, library: library) }
    papi.initialize = -3
    let empty = try FakeTree()
    let error = #expect(throws: CounterError.self) {
      try empty.read { try HardwareCounters.open(mode: .papi, library: library, files: $0) }
    }
    #expect(error?.description.hasPrefix("no hardware counters: PAPI: error -3; this kernel has") == true)
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

  @Test func simulatedCountsAreNotTheLibrarys() throws {
    let papi = FakePAPI()
    #expect(reason(try HardwareCounters.open(mode: .simulated, library: papi.library)) == "counts are simulated")
    #expect(papi.starts == 0 && papi.destroyed == 0)
  }

  @Test func eventsByNameComeFirstAndThroughByName() throws {
    let papi = FakePAPI()
    papi.room = 3
    papi.values = [.named("perf::X"): 7, .named("PAPI_BR_MSP"): 8, .column(.cycles): 9]
    let counters = try counters(papi, named: ["perf::X", "PAPI_BR_MSP"])
    #expect(counters.events == [.named("perf::X"), .named("PAPI_BR_MSP"), .column(.cycles)])
    #expect(counters.dropped.count == 5, "the rest of the columns")
    try counters.start()
    let reading = try counters.stop()
    #expect(reading.named == ["perf::X": 7, "PAPI_BR_MSP": 8])
    #expect(reading.cycles == 9 && reading.instructions == nil)
  }

  @Test func anUnknownNameIsAnErrorWhereCountersAreDemandedAndElseEmptyWithItsReason() throws {
    let papi = FakePAPI()
    papi.unknown = [.named("nope")]
    #expect(throws: CounterError.event(name: "nope", reason: "error -7")) {
      try self.counters(papi, named: ["perf::X", "nope"])
    }
    #expect(papi.destroyed == 1)
    let line = CounterError.event(name: "nope", reason: "error -7").description
    #expect(line.contains("'nope'") && line.contains("error -7") && !line.contains("\n"))

    let lenient = FakePAPI()
    lenient.unknown = [.named("nope")]
    let counters = try counters(lenient, mode: .auto, named: ["perf::X", "nope"])
    #expect(counters.events == [.named("perf::X")] + Self.all)
    #expect(counters.dropped == [.named("nope"): "error -7"])
  }

  @Test func namesThatDoNotFitTogetherAreNotMultiplexed() throws {
    let papi = FakePAPI()
    papi.startable = 1
    #expect(throws: CounterError.event(name: "b", reason: "error -8")) { try self.counters(papi, named: ["a", "b"]) }
    let lenient = FakePAPI()
    lenient.startable = 1
    let counters = try counters(lenient, mode: .auto, named: ["a", "b"])
    #expect(counters.events == [.named("a")])
    #expect(counters.dropped[.named("b")] == "error -8")
  }

  @Test func anEventSetThatIsMultiplexedIsRefused() throws {
    let papi = FakePAPI()
    papi.isMultiplexed = true
    let opening = try HardwareCounters.open(mode: .auto, library: papi.library)
    #expect(reason(opening)?.contains("multiplexes") == true)
    #expect(papi.starts == 0 && papi.destroyed == 1)
    #expect(throws: CounterError.self) { try self.counters(papi) }
  }

  @Test func onlyUserModeIsCountedOrNothing() throws {
    let papi = FakePAPI()
    _ = try counters(papi)
    #expect(papi.inUserMode == 1, "before any event is added")
    papi.domainCode = -21
    #expect(throws: CounterError.self) { try self.counters(papi) }
    let opening = try HardwareCounters.open(mode: .auto, library: papi.library)
    #expect(reason(opening)?.contains("user mode alone: error -21") == true)
  }

  @Test func whatCountingCostsIsTheMedianOfEmptyTrialsAndIsNotSubtracted() throws {
    let papi = FakePAPI()
    // The first trial only looks whether the events fit together.
    papi.firstValues = (0...HardwareCounters.overheadRounds).map { round in
      [.column(.instructions): round == 0 ? 1_000_000 : Int64(100 + round), .named("x"): 5]
    }
    papi.values = [.column(.instructions): 500, .named("x"): 50]
    let counters = try counters(papi, events: [.instructions], named: ["x"])
    let middle = UInt64(100 + (HardwareCounters.overheadRounds + 1) / 2)
    #expect(counters.overhead == [.column(.instructions): middle, .named("x"): 5])
    try counters.start()
    let reading = try counters.stop()
    #expect(reading.instructions == 500 && reading.named == ["x": 50])
  }

  /// Counts are of the thread that opened the counters: on another they would be of somebody else, or crash the
  /// library.
  @Test func anotherThreadIsRefused() throws {
    let papi = FakePAPI()
    nonisolated(unsafe) let counters = try counters(papi)
    let starts = papi.starts
    let refused = onOwnThread {
      do throws(CounterError) { try counters.start() } catch { return error == .otherThread }
      return false
    }
    #expect(refused && papi.starts == starts && !papi.isRunning)
    try counters.start()
    let stopRefused = onOwnThread {
      do throws(CounterError) { _ = try counters.stop() } catch { return error == .otherThread }
      return false
    }
    #expect(stopRefused && papi.isRunning)
    _ = try counters.stop()
  }

  @Test func noEventsCountNothing() throws {
    let opening = try HardwareCounters.open(mode: .auto, events: [], library: FakePAPI().library)
    #expect(reason(opening)?.contains("no event was requested") == true)
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
    papi.values = [.column(.cycles): -1, .column(.instructions): 1]
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

  /// Whether this machine's processor counts for this process.
  private static let hasCounters: Bool = {
    if case .counting? = try? HardwareCounters.open(mode: .auto) { true } else { false }
  }()

  /// Where the installed library refuses, its own error paths are what is tested.
  @Test(.enabled(if: !hasCounters, "this machine has counters"))
  func theInstalledLibrarySaysInOneLineWhyThereAreNone() throws {
    for named in [[], ["perf::INSTRUCTIONS"], ["hintbench-has-no-such-event"]] {
      for events in [HardwareEvent.allCases, [.instructions], []] {
        let opening = try HardwareCounters.open(mode: .auto, events: events, named: named)
        let line = try #require(reason(opening))
        #expect(line.hasPrefix("PAPI: ") && !line.contains("\n"), "\(line)")
        let error = #expect(throws: CounterError.self) {
          try HardwareCounters.open(mode: .papi, events: events, named: named)
        }
        // The same but for the library's words, which change from one call to the next.
        let text = error?.description ?? ""
        #expect(text.hasPrefix("no hardware counters: PAPI: ") && !text.contains("\n"), "\(text)")
        if let name = named.first { #expect(text.contains(name) && line.contains(name), "\(text)") }
      }
    }
  }

  @Test(.enabled(if: hasCounters, "this machine has no counters"))
  func theInstalledLibraryKnowsAnUnknownName() throws {
    #expect(throws: CounterError.self) {
      try HardwareCounters.open(mode: .papi, named: ["hintbench-has-no-such-event"])
    }
    guard case .counting(let counters) = try HardwareCounters.open(mode: .auto, named: ["hintbench-has-no-such-event"])
    else {
      Issue.record("an unknown name takes the others with it")
      return
    }
    #expect(counters.dropped[.named("hintbench-has-no-such-event")] != nil && !counters.events.isEmpty)
  }

  @Test(.enabled(if: hasCounters, "this machine has no counters"))
  func instructionsOfAKnownLoopAreCountedWithinOnePercent() throws {
    guard case .counting(let counters) = try HardwareCounters.open(mode: .papi, events: [.instructions]) else { return }
    let rounds: UInt64 = 1_000_000
    try counters.start()
    chost_known_loop(rounds)
    let counted = try #require(try counters.stop().instructions)
    let expected = 2 * Double(rounds)
    let difference = abs(Double(counted) - expected)
    #expect(difference < expected / 100, "\(counted)")
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
