import Experiments
import Foundation
import Records
import Testing

@testable import Tracking

@Suite struct ThresholdsTests {
  private static func read(_ text: String) throws -> Thresholds {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("thresholds-\(UUID().uuidString)")
    try Data(text.utf8).write(to: path)
    defer { try? FileManager.default.removeItem(at: path) }
    return try Thresholds.read(path.path)
  }

  @Test func whatAFileLeavesOutKeepsItsDefault() throws {
    #expect(try Self.read("{}") == Thresholds())
    let read = try Self.read(
      """
      {"alpha": 0.05, "metrics": {"ops_ratio": 0.1}, "decisive": {"scan": "ms_per_tib"}}
      """)
    #expect(read.alpha == 0.05 && read.minimumEffect == 0.05 && read.exactMinimumEffect == 0.005)
    #expect(read.minimumEffect(of: "ops_ratio", isExact: false) == 0.1)
    #expect(read.decisive(in: "scan", isCounted: true) == ["ms_per_tib"])
    #expect(Thresholds().decisive(in: "scan", isCounted: true) == ["instructions"])
    #expect(Thresholds().decisive(in: "scan", isCounted: false) == ["guest_cpu_ns", TrackedMetric.longestHold])
    let two = try Self.read("{\"decisive\": {\"scan\": [\"ms_per_tib\", \"coverage\"]}}")
    #expect(two.decisive(in: "scan", isCounted: false) == ["ms_per_tib", "coverage"])
    #expect(try Self.read(String(decoding: JSONEncoder().encode(read), as: UTF8.self)) == read)
  }

  @Test(arguments: [
    ("{\n\"alpa\": 0.1}", 2, "unknown key 'alpa'"), ("{\n\n\"alpha\": 2}", 3, "2.0 isn't above 0"),
    ("{\"alpha\": 0}", 1, "0.0 isn't above 0"), ("{\"minimum_effect\":\n-1}", 1, "-1.0 isn't a share"),
    ("{\"metrics\": {\n\"nope\": 0.1}}", 2, "unknown metric"),
    ("{\"metrics\": {\n\"scan_ns\": -1}}", 2, "isn't a share"),
    ("{\"decisive\": {\n\"nope\": \"scan_ns\"}}", 2, "unknown experiment"),
    ("{\"decisive\": {\n\"scan\": \"last_ns\"}}", 2, "'last_ns' is no metric of it"),
    ("{\"decisive\": {\n\"scan\": []}}", 2, "names no metric"),
    ("{\"alpha\": \"x\"}", 1, "alpha"), ("[]", 1, "an array instead"), ("", 1, "not JSON"),
  ])
  func whatItDoesNotTakeIsRefusedWithItsLine(_ text: String, _ line: Int, _ says: String) throws {
    let error = #expect(throws: UserError.self) { try Self.read(text) }
    #expect(error?.exitStatus == 65)
    let message = error?.description ?? ""
    #expect(message.contains(":\(line): ") && message.contains(says) && !message.contains("\n"), "\(message)")
  }

  @Test func aMinimumEffectIsWrittenInPercent() throws {
    #expect(try Thresholds.effect(percent: "5%") == 0.05 && Thresholds.effect(percent: "0.5") == 0.005)
    for text in ["", "%", "five", "-1%", "1001", "nan", "inf", "5%%"] {
      #expect(throws: UserError.self, "\(text)") { try Thresholds.effect(percent: text) }
    }
    var thresholds = Thresholds()
    thresholds.metrics = ["scan_ns": 1, "coverage_free": 0.3]
    thresholds.setMinimumEffect(0.2)
    #expect(thresholds.minimumEffect(of: "scan_ns", isExact: true) == 0.2)
    #expect(thresholds.leastCoverageLoss("coverage_free") == 0.3)
  }

  /// Coverage has no noise that a wide threshold would be for.
  @Test func aWideMinimumEffectDoesNotHideThatLessIsCovered() {
    var thresholds = Thresholds()
    func coversLess(_ now: [Double]) -> Bool { thresholds.coversLess("coverage_free", before: [0.9, 1, 1], now: now) }
    thresholds.minimumEffect = 0.5
    #expect(coversLess([0.94]) && !coversLess([0.96]) && !coversLess([2]))
    #expect(!coversLess([]) && !thresholds.coversLess("coverage_free", before: [], now: [0.1]))
    thresholds.metrics["coverage_free"] = 0.2
    #expect(!coversLess([0.94, 0.94]) && coversLess([0.7, 0.79, 1]))
  }
}
