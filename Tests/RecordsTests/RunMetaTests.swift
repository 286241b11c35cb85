import Foundation
import Records
import Testing

@Suite("meta.json")
struct RunMetaTests {
  static let meta = RunMeta(
    runID: "r", commandLine: ["hintbench", "run", "--seed", "7"],
    config: ["guest": ["8G", "1.5T"], "free": 0.5, "nodes": 2, "quick": false, "none": nil], seed: .max, commit: "abc",
    dirty: true, buildMode: "release", host: ["kernel": "6.12 \"x\" / µ"], limits: ["clock_ns": 19.25],
    counters: ["source": "papi"],
    unavailable: [.init(what: "cycles", why: "no counters")],
    errors: [.init(cellID: "c", repetition: 3, reason: "lists broken")], guests: [["bytes": 8_589_934_592]],
    started: Date(timeIntervalSince1970: 1_700_000_000), finished: Date(timeIntervalSince1970: 1_700_000_060))

  @Test("reads back what was written")
  func roundTrip() throws {
    let data = try JSONEncoder.standard.encode(Self.meta)
    #expect(try JSONDecoder.standard.decode(RunMeta.self, from: data) == Self.meta)
    var open = Self.meta
    open.finished = nil
    #expect(try JSONDecoder.standard.decode(RunMeta.self, from: JSONEncoder.standard.encode(open)).finished == nil)
  }

  @Test("keys are in snake case and sorted, and the seed keeps all its bits")
  func form() throws {
    let text = String(decoding: try JSONEncoder.standard.encode(Self.meta), as: UTF8.self)
    let keys = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }.map { $0.split(separator: "\"")[1] }
    #expect(
      keys == [
        "build_mode", "command_line", "commit", "config", "counters", "dirty", "errors", "finished", "guests", "host",
        "limits",
        "run_id", "schema_version", "seed", "started", "unavailable",
      ])
    #expect(text.contains("\"seed\" : 18446744073709551615"))
    #expect(text.contains("\"started\" : \"2023-11-14T22:13:20Z\""))
    #expect(text.contains("\"cell_id\" : \"c\""))
    #expect(text.contains("6.12 \\\"x\\\" / µ"))
  }

  @Test("a JSON value keeps its shape")
  func jsonValue() throws {
    let value: JSONValue = [
      "a": [1, 2.5, true, nil, "x", []], "b": ["c": [:]], "min": .integer(.min), "max": .unsigned(.max),
    ]
    let data = try JSONEncoder.standard.encode(value)
    #expect(try JSONDecoder.standard.decode(JSONValue.self, from: data) == value)
    #expect(value["b"]?["c"] == [:])
    #expect(value["none"] == nil)
    #expect(try JSONValue(encoding: ["n": Double?.some(1.5)]) == ["n": 1.5])
    #expect(try JSONEncoder.standard.encode(JSONValue.number(.nan)) == Data("null".utf8))
  }
}
