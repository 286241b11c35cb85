import Experiments
import Foundation
import Records
import Testing

@testable import Tracking

/// `compare --model`: which cells belong together, and what is shown of them.
@Suite struct ModelFidelityTests {
  private func record(
    _ strategy: String, _ nanoseconds: Double, source: String?, repetition: Int = 1, bytesFree: UInt64 = 8 << 30,
    cache: String = "cold", returnNs: Double? = nil
  ) -> RunRecord {
    var run = RunRecord()
    run.identity.experiment = "scan"
    run.identity.strategy = strategy
    run.identity.cellID = "\(strategy) \(bytesFree) \(cache)"
    run.identity.repetition = repetition
    run.guest.source = source
    run.guest.kernelRules = "6.1.192"
    run.guest.bytesFree = bytesFree
    run.guest.order = 10
    run.load.cache = cache
    run.found = RunRecord.Found(outcome: .complete)
    run.found.blocksReported = 2000
    run.lock.acquisitions = 3
    run.speed.scanNs = 2000 * nanoseconds
    run.speed.nsPerBlock = nanoseconds
    run.speed.returnNs = returnNs
    return run
  }

  private func run(_ name: String, _ records: [RunRecord]) -> TrackedRun {
    var run = CompareFixtures.run(name, [])
    run.repetitions = records
    return run
  }

  @Test func strategiesMatchByTheOptionsThatTheKernelHas() throws {
    let fidelity = try ModelFidelity(
      model: [
        run(
          "m",
          [
            record("budgeted-resume:budget=256:restarts=64:check=buddy", 40, source: "model"),
            record("budgeted-resume:budget=1000:restarts=64:check=buddy", 50, source: "model"),
          ])
      ],
      kernel: [
        run(
          "k",
          [
            record("budgeted-resume:budget=1000", 40, source: "native"),
            record("pfn-scan:chunk=32768", 9, source: "native"),
          ])
      ])
    #expect(fidelity.rows.map(\.strategy) == ["budgeted-resume:budget=1000"])
    #expect(fidelity.rows[0].ratios == [1.25] && fidelity.rows[0].blocks.kernel == 2000)
    #expect(fidelity.unmatched == ["pfn-scan:chunk=32768: not in the model's run"])
    #expect(fidelity.text.contains("0 of 1 strategies cost within 15 %") && fidelity.text.contains("1.25*"))
  }

  @Test func launchesThatTookTurnsArePairedInOrder() throws {
    func side(_ source: String, _ values: [Double]) -> [TrackedRun] {
      values.map { run("r", [record("walk-callback", $0, source: source, returnNs: 2000 * $0)]) }
    }
    let fidelity = try ModelFidelity(model: side("model", [44, 90, 50]), kernel: side("native", [40, 90, 40]))
    #expect(fidelity.rows[0].ratios == [1.1, 1, 1.25] && fidelity.rows[0].returnRatios == [1.1, 1, 1.25])
    #expect(fidelity.rows[0].bothRatios == [1.1, 1, 1.25])
    #expect(fidelity.rows[0].nsPerBlock.model == 50 && fidelity.rows[0].returnNsPerBlock.kernel == 40)
    #expect(fidelity.text.contains("1 of 1 strategies cost within 15 %"))
  }

  @Test func thePageOfAReportSaysWhetherTheStatesAreEqual() throws {
    let fidelity = try ModelFidelity(
      model: [run("m", [record("walk-callback", 44, source: "model")])],
      kernel: [
        run("k", [record("walk-callback", 40, source: "native"), record("pfn-scan:chunk=32768", 9, source: "native")])
      ])
    let unavailable = [RunMeta.Unavailable(what: "waits", why: "one CPU")]
    let agreement = StateAgreement(
      kernel: "6.1.192", traces: 200, operationsPerTrace: 20000, differences: ["trace 7: operation 3"])
    let section = fidelity.section([agreement], unavailable: unavailable)
    #expect(section.lead[0].hasPrefix("Linux 6.1.192: 199 of 200 traces equal.") && section.lead[1].contains("trace 7"))
    #expect(section.tables[0].rows.count == 1 && section.tables[0].rows[0].contains { $0.hasPrefix("1.1") })
    #expect(section.notes.contains("Not compared: waits: one CPU."))
    #expect(section.notes.contains { $0.contains("pfn-scan") })
    #expect(fidelity.section([], unavailable: []).lead[0].contains("kernel check --json"))
  }

  /// The allocator's process finds no block; its cost is shared out among the pages that it takes.
  @Test func theAllocatorIsComparedByThePage() throws {
    func side(_ source: String, _ nanoseconds: Double, instructions: Int?) -> TrackedRun {
      var record = record("allocator:pages=16384", 0, source: source, returnNs: 16384 * 20)
      record.found.blocksReported = 0
      record.speed.scanNs = 16384 * nanoseconds
      record.counters.instructions = instructions
      record.counters.returnInstructions = source == "icount" ? 16384 * 50 : nil
      return run("r", [record])
    }
    let timed = try ModelFidelity(
      model: [side("model", 36, instructions: nil)], kernel: [side("native", 30, instructions: nil)])
    #expect(timed.rows[0].ratios == [1.2] && timed.rows[0].returnRatios == [1])
    #expect(!timed.text.contains("instructions"))
    let counted = try ModelFidelity(
      model: [side("model", 36, instructions: 16384 * 300)], kernel: [side("icount", 30, instructions: 16384 * 450)])
    #expect(counted.rows[0].instructionsPerBlock.model == 300 && counted.rows[0].instructionsPerBlock.kernel == 500)
    #expect(counted.text.contains("instructions/block"))
  }

  @Test(arguments: [(UInt64(9) << 30, "cold"), (8 << 30, "warm")])
  func anotherGuestOrCacheStateIsNoCounterpart(bytesFree: UInt64, cache: String) {
    let error = #expect(throws: UserError.self) {
      try ModelFidelity(
        model: [run("m", [record("walk-callback", 1, source: "model", bytesFree: bytesFree, cache: cache)])],
        kernel: [run("k", [record("walk-callback", 1, source: "native")])])
    }
    #expect(error?.kind == .usage && error?.problem.contains("capture") == true)
  }

  @Test func theSidesCannotBeSwapped() {
    let model = run("m", [record("walk-callback", 1, source: "model")])
    let former = run("f", [record("walk-callback", 1, source: nil)])
    let kernel = run("k", [record("walk-callback", 1, source: "native")])
    for (one, two) in [(kernel, model), (kernel, kernel), (model, former)] {
      #expect(throws: UserError.self) { try ModelFidelity(model: [one], kernel: [two]) }
    }
  }
}
