import Testing

@testable import Instruments

/// What callgrind 3.19 wrote, and what it may leave out.
@Suite struct CallgrindCountsTests {
  private static let text = """
    # callgrind format
    version: 1
    creator: callgrind-3.19.0
    cmd:  /proc/self/fd/3 count-simulated
    part: 1

    desc: D1 cache: 32768 B, 64 B, 8-way associative
    desc: Timerange: Basic block 0 - 16389
    desc: Trigger: Client Request: nothing

    positions: line
    events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
    summary: 18446744073709486067 0 0

    fn=(0) 0x00000000001091a9
    0 14

    totals: 14

    part: 2
    desc: Trigger: Client Request: f8a065b39a33beed

    events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
    summary: 0

    fn=(1) totals: 5
    0 65540 16384 16385 0 30 1 0 20 3

    totals: 114692 32768 16385 1 16384 5 1 16000 3

    part: 3
    desc: Trigger: Program termination

    events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
    totals: 99

    """

  @Test func countsStandUnderTheirNames() throws {
    let readings = CallgrindCounts.parse(Self.text)
    #expect(Set(readings.keys) == ["nothing", "f8a065b39a33beed"], "not what is written at the program's end")
    let reading = try #require(readings["f8a065b39a33beed"])
    #expect(reading.instructions == 114_692)
    #expect(reading.l1dMisses == 16_389 && reading.llcMisses == 16_003)
    #expect(reading.cycles == nil && reading.l2Misses == nil && reading.dtlbMisses == nil && reading.named.isEmpty)
  }

  @Test func zerosAtTheEndMayBeLeftOut() throws {
    let reading = try #require(CallgrindCounts.parse(Self.text)["nothing"])
    #expect(reading.instructions == 14 && reading.l1dMisses == 0 && reading.llcMisses == 0)
  }

  @Test func whatWasNotSimulatedIsEmpty() throws {
    let text = "desc: Trigger: Client Request: a\nevents: Ir\ntotals: 5\n"
    let reading = try #require(CallgrindCounts.parse(text)["a"])
    #expect(reading.instructions == 5 && reading.l1dMisses == nil && reading.llcMisses == nil)
  }

  /// A process that was killed leaves whole parts, and perhaps one that isn't.
  @Test func aPartWithoutTotalsIsNoCount() throws {
    let cut = try #require(Self.text.range(of: "totals: 114692"))
    #expect(Set(CallgrindCounts.parse(String(Self.text[..<cut.lowerBound])).keys) == ["nothing"])
    #expect(CallgrindCounts.parse("").isEmpty && CallgrindCounts.parse("totals: 5\n").isEmpty)
    let garbled = "desc: Trigger: Client Request: a\nevents: Ir D1mr\ntotals: x 5\n"
    #expect(CallgrindCounts.parse(garbled)["a"]?.instructions == nil)
  }
}
