import CHost
import Foundation
import Instruments
import TestSupport
import Testing

@Suite struct DisturbanceTests {
  private let one = Disturbance(involuntarySwitches: 1, minorFaults: 20, stealNanoseconds: 300)

  @Test func stretchesAddUp() {
    let other = Disturbance(involuntarySwitches: 4, minorFaults: 50, stealNanoseconds: 600)
    #expect(one + other == Disturbance(involuntarySwitches: 5, minorFaults: 70, stealNanoseconds: 900))
  }

  @Test func whatOneStretchDoesNotTellTheSumDoesNot() {
    let silent = Disturbance(involuntarySwitches: nil, minorFaults: 50, stealNanoseconds: nil)
    let sum = Disturbance(involuntarySwitches: nil, minorFaults: 70, stealNanoseconds: nil)
    #expect(one + silent == sum)
    #expect(silent + one == sum)
  }

  @Test func theMachinesStealIsCountedOnce() {
    let thread = Disturbance(involuntarySwitches: 2, minorFaults: 3, stealNanoseconds: 300)
    #expect(one.beside(thread) == Disturbance(involuntarySwitches: 3, minorFaults: 23, stealNanoseconds: 300))
  }

  @Test func pagesFirstTouchedAreFaults() throws {
    let pages = 64
    let memory = try #require(chost_reserve(pages * 4096, 4096))
    defer { _ = chost_release(memory, pages * 4096) }
    // Each page for itself, whatever the machine does with huge ones.
    _ = chost_advise_huge(memory, pages * 4096, false)
    let meter = DisturbanceMeter()
    for page in 0..<pages { (memory + page * 4096).storeBytes(of: 1, as: UInt8.self) }
    let disturbance = meter.reading()
    #expect(try #require(disturbance.minorFaults) >= pages)
    #expect(try #require(disturbance.involuntarySwitches) >= 0)
  }

  @Test func stealIsTheDifferenceOfTwoReadings() throws {
    let tree = try FakeTree(["/proc/stat": "cpu  1 2 3 4 5 6 7 100 0 0\n"])
    try tree.read { files in
      let meter = DisturbanceMeter(files: files)
      #expect(meter.reading().stealNanoseconds == 0)
      try Data("cpu  1 2 3 4 5 6 7 103 0 0\n".utf8).write(to: URL(fileURLWithPath: tree.path + "/proc/stat"))
      let tick = 1_000_000_000 / UInt64(sysconf(Int32(_SC_CLK_TCK)))
      #expect(meter.reading().stealNanoseconds == 3 * tick)
      // Moved to a host that counts anew.
      try Data("cpu  1 2 3 4 5 6 7 9 0 0\n".utf8).write(to: URL(fileURLWithPath: tree.path + "/proc/stat"))
      #expect(meter.reading().stealNanoseconds == nil)
      try FileManager.default.removeItem(atPath: tree.path + "/proc/stat")
      #expect(meter.reading().stealNanoseconds == nil)
    }
  }

  @Test func theShareOfStealIsOfAllTime() throws {
    let tree = try FakeTree(["/proc/stat": "cpu  10 0 0 80 0 0 0 10 5 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n"])
    #expect(tree.read { StealClock.shareSinceBoot(files: $0) } == 0.1)
    for text in ["", "cpu  1 2 3\n", "cpu  a b c d e f g h\n", "cpu  0 0 0 0 0 0 0 0\n"] {
      #expect(try FakeTree(["/proc/stat": text]).read { StealClock.shareSinceBoot(files: $0) } == nil, "\(text)")
    }
  }

  @Test func runDelayIsTheThreadsOwn() throws {
    let tree = try FakeTree(["/proc/thread-self/schedstat": "100 2000 3\n"])
    try tree.read { files in
      let meter = DisturbanceMeter(files: files)
      try Data("900 2500 4\n".utf8).write(to: URL(fileURLWithPath: tree.path + "/proc/thread-self/schedstat"))
      let reading = meter.reading()
      #expect(reading.runDelayNanoseconds == 500)
      // A thread that doesn't watch it leaves it; one that does adds its own.
      #expect(reading.beside(one).runDelayNanoseconds == 500 && reading.beside(reading).runDelayNanoseconds == 1000)
      #expect((reading + one).runDelayNanoseconds == nil)
    }
    for text in ["", "1 2\n", "a b c\n"] {
      let reading = try FakeTree(["/proc/thread-self/schedstat": text]).read { DisturbanceMeter(files: $0).reading() }
      #expect(reading.runDelayNanoseconds == nil)
    }
    #expect(DisturbanceMeter.ofThreadAlone().reading().runDelayNanoseconds == nil)
  }
}
