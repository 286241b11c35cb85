import TestSupport
import Testing

@testable import Instruments

/// Why there are no counters: what the machine and its kernel say of it.
@Suite struct CounterAccessTests {
  private static func explanation(level: Int?, sources: [String]?, capabilities: UInt64? = 0) throws -> String {
    var files: [String: String] = [:]
    if let level { files["/proc/sys/kernel/perf_event_paranoid"] = "\(level)\n" }
    for source in sources ?? [] { files["/sys/bus/event_source/devices/\(source)/type"] = "4\n" }
    if let capabilities { files["/proc/self/status"] = "Name:\tx\nCapEff:\t\(String(capabilities, radix: 16))\n" }
    return try FakeTree(files).read { CounterAccess.explanation($0) }
  }

  @Test(arguments: [3, 4]) func aLevelThatForbidsIsTheCauseAndHasItsMend(level: Int) throws {
    let line = try Self.explanation(level: level, sources: ["cpu", "software"])
    #expect(line.contains("perf_event_paranoid is \(level)") && line.contains("only privileged processes may count"))
    #expect(line.hasSuffix("fix: sysctl kernel.perf_event_paranoid=2"))
  }

  @Test(arguments: [-1, 0, 1, 2]) func aLevelThatAllowsIsNotTheCause(level: Int) throws {
    let line = try Self.explanation(level: level, sources: ["cpu_core", "cpu_atom"])
    #expect(line.contains("perf_event_paranoid is \(level)") && line.contains("isn't the cause"))
    #expect(!line.contains("fix:"))
  }

  @Test(arguments: [1 << 21, 1 << 38]) func thePrivilegedAreNotHeldByTheLevel(capabilities: UInt64) throws {
    let line = try Self.explanation(level: 3, sources: ["armv8_pmuv3_0"], capabilities: capabilities)
    #expect(line.contains("isn't the cause"))
  }

  @Test func aMachineWithoutCountersIsPointedToTheSimulation() throws {
    for level in [2, 3] {
      let line = try Self.explanation(level: level, sources: ["software", "msr", "tracepoint"])
      #expect(line.contains("no PMU") && line.contains("--counters simulated") && !line.contains("sysctl"))
    }
    let line = try Self.explanation(level: nil, sources: nil, capabilities: nil)
    #expect(line.contains("no performance events") && line.contains("--counters simulated"))
  }

  @Test func whereTheKernelListsNoSourcesTheLevelDecides() throws {
    #expect(try Self.explanation(level: 3, sources: nil).contains("fix: sysctl"))
  }
}
