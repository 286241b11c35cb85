import Foundation
import Instruments
import TestSupport
import Testing

@Suite struct ClockTests {
  @Test func aTickHasALengthAndItStaysTheSame() {
    let length = CycleClock.nanosecondsPerTick
    // From 20 GHz to 1 MHz.
    #expect(length > 0.05 && length < 1000)
    #expect(CycleClock.nanosecondsPerTick == length)
  }

  @Test func ticksConvertInProportion() {
    #expect(CycleClock.nanoseconds(fromTicks: 0) == 0)
    #expect(CycleClock.nanoseconds(fromTicks: 1000) == 1000 * CycleClock.nanosecondsPerTick)
  }

  @Test func clocksDoNotGoBack() {
    var ticks = CycleClock.begin()
    var monotonic = MonotonicClock.nanoseconds()
    for _ in 0..<1000 {
      let nextTicks = CycleClock.end()
      let nextMonotonic = MonotonicClock.nanoseconds()
      #expect(nextTicks >= ticks)
      #expect(nextMonotonic >= monotonic)
      ticks = nextTicks
      monotonic = nextMonotonic
    }
  }

  @Test func cpuTimeGrowsWithWork() {
    let grown = onOwnThread { () -> Bool in
      let before = ThreadCPUClock.nanoseconds()
      _ = NoiseMeter.measure(intervalNanoseconds: 100_000, budgetNanoseconds: 1_000_000)
      return ThreadCPUClock.nanoseconds() > before
    }
    #expect(grown)
  }

  @Test func stealComesFromTheFirstLineOfStat() throws {
    let tree = try FakeTree(["/proc/stat": "cpu  1 2 3 4 5 6 7 250 0 0\ncpu0 1 2 3 4 5 6 7 99 0 0\n"])
    let perTick = 1_000_000_000 / UInt64(sysconf(Int32(_SC_CLK_TCK)))
    #expect(tree.read { StealClock.nanoseconds(files: $0) } == 250 * perTick)
  }

  @Test(arguments: ["", "cpu  1 2 3 4 5 6 7\n", "cpu  1 2 3 4 5 6 7 x\n", "intr 1 2 3 4 5 6 7 8 9\n"])
  func stealIsNilWhereTheKernelHasNone(_ text: String) throws {
    #expect(try FakeTree(["/proc/stat": text]).read { StealClock.nanoseconds(files: $0) } == nil)
    #expect(try FakeTree().read { StealClock.nanoseconds(files: $0) } == nil)
  }
}
