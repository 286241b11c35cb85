import Foundation
import Records
import Testing

@testable import Bench

@Suite struct RunConfigMatrixTests {
  /// Every property another than by default.
  private var full: RunConfig {
    var group = RunConfig.Group()
    group.guests = ["128M", "1.5G"]
    group.states = ["aged"]
    group.strategies = ["none", "budgeted-resume:budget=1/2"]
    group.nodes = 2
    group.cpus = 8
    group.free = 0.25
    group.listOrder = "shuffled"
    group.granule = "3"
    group.vmemmap = "4k"
    group.buddyinfo = "b"
    group.pagetypeinfo = "p"
    group.zoneinfo = "z"
    group.watermarks = "computed"
    group.pageSize = "64k"
    group.options = ["budget": ["1", "10"]]
    group.experimentOptions = ["window": ["1s"]]
    var config = RunConfig()
    config.experiments = ["scan", "other"]
    config.groups = [group, RunConfig.Group()]
    config.lock = "test-and-set"
    config.options["page-init"] = ["alloc"]
    config.options["cache"] = ["warm"]
    config.order = "native"
    config.options["load"] = ["mixed"]
    config.options["mutators"] = ["3"]
    config.repetitions = 7
    config.seed = .max
    config.holdLimit = "1ms"
    config.counters = "off"
    config.events = ["perf::A", "PAPI_BR_MSP"]
    config.timeLimit = "5m"
    return config
  }

  private func decode(_ text: String) throws -> RunConfig {
    try JSONDecoder().decode(RunConfig.self, from: Data(text.utf8))
  }

  @Test func everythingSurvivesJSON() throws {
    for config in [full, RunConfig()] {
      #expect(try JSONDecoder().decode(RunConfig.self, from: JSONEncoder().encode(config)) == config)
      // As meta.json keeps it.
      let kept = try JSONEncoder().encode(JSONValue(encoding: config))
      #expect(try JSONDecoder().decode(RunConfig.self, from: kept) == config)
    }
  }

  @Test func whatIsLeftOutIsTheDefault() throws {
    #expect(try decode("{}") == RunConfig())
    var config = RunConfig()
    config.groups = [RunConfig.Group()]
    #expect(try decode("{\"groups\": [{}]}") == config)
    #expect(config.repetitions == 5 && config.seed == 1 && config.options.isEmpty && config.lock == "queued")
    #expect(config.groups[0].granule == "auto" && config.groups[0].vmemmap == "auto" && config.groups[0].nodes == 1)
  }

  @Test(arguments: [
    ("{\"Lock\": \"queued\"}", "unknown key 'Lock'"), ("{\"groups\": [{\"guest\": []}]}", "unknown key 'guest'"),
    ("{\"groups\": [{}, {\"listOrder\": \"x\"}]}", "unknown key 'listOrder'"),
    ("{\"run_id\": 1}", "unknown key 'run_id'"),
  ])
  func unknownKeysAreRefused(text: String, says: String) {
    let error = #expect(throws: DecodingError.self) { try decode(text) }
    guard case .dataCorrupted(let context) = error else { return }
    #expect(context.debugDescription.contains(says) && context.debugDescription.contains(": expected one of "))
  }

  @Test(arguments: [
    ("{\"seed\": -1}", 1, "at seed"), ("{\n\n\"seed\": 1.5}", 3, "at seed"), ("{\"cache\": 1}", 1, "at cache"),
    ("{\"groups\": [{},\n{\"cpus\": 1e30}]}", 2, "at groups.1.cpus"), ("{\"groups\": {}}", 1, "at groups"),
    ("{\"lock\":\n \"a\\\"}{\",\n \"x\": 1}", 3, "at x"),
    ("{\"groups\": [{\"options\":\n{\"b\": [1]}}]}", 2, "options.b"),
    ("{\n\"seed\": }", 2, "not JSON"), ("{\n\n", 3, "not JSON"), ("", 1, "not JSON"), ("[]", 1, "array"),
  ])
  func aFileThatIsWrongIsRefusedWithItsLine(text: String, line: Int, says: String) throws {
    let path = NSTemporaryDirectory() + "hintbench-test-" + UUID().uuidString
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: UserError.self) { try RunConfig.read(path) }
    #expect(error?.kind == .input)
    #expect(error?.description.hasPrefix("\(path):\(line): ") == true, "\(String(describing: error))")
    #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    #expect(error?.description.contains("\n") == false)
  }

  @Test func aFileThatIsNotThereIsAnIOError() {
    #expect(throws: UserError(.io, "/nowhere/x: can't read: expected a readable file")) {
      try RunConfig.read("/nowhere/x")
    }
  }
}
