import Foundation
import Instruments
import Machine
import Testing

@testable import Diagnosis

/// The ladder's rungs: all there, measured or with a reason.
@Suite struct LadderTests {
  static let small = LadderEffort(
    rounds: 3, roundNanoseconds: 1e5, spans: [32 << 10, 1 << 20], discards: [4 << 10, 2 << 20])

  /// This machine with other properties: as much memory as the tests need, and huge pages as if all were given.
  static func host(
    cpus: [Int]? = nil, memoryBytes: UInt64 = 1 << 30, use: HugePageUse? = .init(anonymousBytes: 1, hugeBytes: 1)
  ) throws -> LadderHost {
    LadderHost(
      cpus: try cpus ?? ThreadPlacement.allowedCPUs(), memoryBytes: memoryBytes, lastLevelCacheBytes: 1 << 20,
      hugePages: { _ in use })
  }

  static func steps(_ host: LadderHost) -> [LadderStep] {
    MachineLadder.stepCosts(small, host) + MachineLadder.kicks(small, host) + MachineLadder.pages(small, host)
      + MachineLadder.loads(small, host)
  }

  static func climb(_ host: LadderHost) -> [Rung] { Ladder.climb(steps(host), budgetNanoseconds: 1e12) }

  static func expectSound(_ rungs: [Rung]) {
    for rung in rungs {
      switch rung.outcome {
      case .unavailable(let reason): #expect(!reason.isEmpty, "\(rung.primitive)")
      case .measured(let figure):
        #expect(figure.cost.lowest > 0, "\(rung)")
        #expect(figure.cost.lowest <= figure.cost.median && figure.cost.median <= figure.cost.highest, "\(rung)")
        #expect(figure.cost.highest.isFinite, "\(rung)")
        #expect(figure.rounds > 0 && figure.operations > 0, "\(rung)")
      }
    }
    #expect(Set(rungs.map(\.primitive)).count == rungs.count, "no rung is there twice")
  }

  @Test func everyRungIsThereMeasuredOrWithAReason() throws {
    let host = try Self.host()
    let rungs = Self.climb(host)
    Self.expectSound(rungs)
    #expect(rungs.map(\.primitive) == Self.steps(host).flatMap(\.primitives))
    for name in [
      "empty-loop", "clock", "clock-p99", "system-call", "atomic-add", "atomic-add-contended", "eventfd-write",
      "eventfd-write-waking", "eventfd-round-trip", "zeroing", "first-touch", "first-touch-split", "discard",
      "dependent-load",
      "independent-load",
    ] {
      #expect(rungs.contains { $0.primitive.name == name }, "\(name)")
    }
    // Both page sizes, both distances, both orders; a megabyte has 16 heads 64 KiB apart, 32 KiB none.
    for name in ["dependent-load", "independent-load"] {
      let loads = rungs.map(\.primitive).filter { $0.name == name }
      #expect(loads.count { $0.spanBytes == 32 << 10 } == 4)
      #expect(loads.count { $0.spanBytes == 1 << 20 } == 8)
      #expect(Set(loads.map(\.pageBytes)) == [4096, 2 << 20])
      #expect(Set(loads.map(\.apartBytes)) == [64, 65536])
      #expect(Set(loads.map(\.order)) == [.sequential, .random])
    }
    for rung in rungs where rung.reason != nil {
      // The rest needs nothing that a machine may lack.
      let name = rung.primitive.name
      #expect(name.hasSuffix("contended") || name.hasSuffix("waking") || name.hasSuffix("round-trip"), "\(rung)")
    }
  }

  @Test func onOneCPUWhatTakesTwoHasAReason() throws {
    let first = try #require(try ThreadPlacement.allowedCPUs().first)
    let rungs = Self.climb(try Self.host(cpus: [first]))
    Self.expectSound(rungs)
    let missing = rungs.filter { $0.reason != nil }
    #expect(
      missing.map(\.primitive.name) == ["atomic-add-contended", "eventfd-write-waking", "eventfd-round-trip"])
    for rung in missing { #expect(rung.reason?.contains("one CPU") == true, "\(rung)") }
  }

  @Test(arguments: [HugePageUse(anonymousBytes: 8 << 20, hugeBytes: 0), nil])
  func withoutHugePagesTheirRungsHaveAReason(_ use: HugePageUse?) throws {
    let rungs = Self.climb(try Self.host(use: use))
    Self.expectSound(rungs)
    for rung in rungs where rung.primitive.pageBytes != nil {
      #expect((rung.reason == nil) == (rung.primitive.pageBytes == 4096), "\(rung)")
      if let reason = rung.reason { #expect(reason.contains(use == nil ? "smaps" : "0 of 8388608 bytes"), "\(reason)") }
    }
  }

  @Test func whatDoesNotFitInMemoryHasAReason() throws {
    let rungs = Self.climb(try Self.host(memoryBytes: 64 << 10))
    Self.expectSound(rungs)
    for rung in rungs {
      // Of 16 heads 64 KiB apart only the 4 KiB pages they lie in are there.
      let isPacked = rung.primitive.apartBytes == 64 && rung.primitive.spanBytes == 1 << 20
      let tooLarge =
        ["first-touch", "first-touch-split", "discard"].contains(rung.primitive.name)
        || (rung.primitive.spanBytes != nil && (isPacked || rung.primitive.pageBytes == 2 << 20))
      #expect((rung.reason?.contains("a quarter of the available memory") == true) == tooLarge, "\(rung)")
    }
  }

  @Test func anErrorIsTheReasonOfItsStepAndOfNoOther() {
    let first = Primitive("a", "a step", per: "step")
    let second = Primitive("b", "a step", per: "step")
    let figure = RungFigure(costs: [3, 1, 2], operations: 5)
    let rungs = Ladder.climb(
      [
        LadderStep("fails", [first]) { throw LadderError("nothing works") },
        LadderStep("works", [second]) { [.measured(figure)] },
      ], budgetNanoseconds: 1e12)
    #expect(rungs == [Rung(first, .unavailable("nothing works")), Rung(second, .measured(figure))])
    #expect(figure.cost == CostRange(median: 2, lowest: 1, highest: 3))
  }

  @Test func longStepsAreClimbedLastAndStandInTheirPlace() {
    var begun: [String] = []
    let steps = ["a", "b", "c"].map { name in
      LadderStep(name, [Primitive(name, "a step", per: "step")], isLong: name != "c") {
        begun.append(name)
        return [.measured(RungFigure(costs: [1], operations: 1))]
      }
    }
    #expect(Ladder.climb(steps, budgetNanoseconds: 1e12).map(\.primitive.name) == ["a", "b", "c"])
    #expect(begun == ["c", "a", "b"])
  }

  /// A clock of the test's own: each step takes ten times the time of the one before.
  @Test func whatWouldNotEndInTimeIsNotBegun() {
    var now: UInt64 = 0
    var begun: [Int] = []
    var labels: [String] = []
    let steps = (0..<5).map { index in
      LadderStep(
        "step \(index)", [Primitive("s\(index)", "a step", per: "step")],
        work: .init("kind", amount: pow(10, Double(index)))
      ) {
        begun.append(index)
        now += UInt64(1e6 * pow(10, Double(index)))
        return [.measured(RungFigure(costs: [1], operations: 1))]
      }
    }
    // 1, 10 and 100 ms are spent when a second is next.
    let rungs = Ladder.climb(
      steps, budgetNanoseconds: 0.5e9, clock: { now }, progress: { _, _, label in labels.append(label) })
    #expect(begun == [0, 1, 2])
    #expect(rungs.map { $0.reason == nil } == [true, true, true, false, false])
    #expect(rungs[3].reason?.contains("may take 2.0 s") == true, "\(rungs[3])")
    #expect(labels == (0..<5).map { "step \($0)" } + [""])
    #expect(Ladder.climb(steps, budgetNanoseconds: 0, clock: { now }).allSatisfy { $0.reason != nil })
    #expect(begun == [0, 1, 2])
  }

  @Test func aRungReadsBackFromItsFlatObject() throws {
    let primitive = Primitive("dependent-load", "a load", per: "load").with {
      $0.spanBytes = 4096
      $0.apartBytes = 64
      $0.order = .random
      $0.pageBytes = 4096
    }
    let piece = Primitive("zeroing", "zeroing", per: "block").with { $0.operationBytes = 1 << 30 }
    let rungs = [
      Rung(primitive, .measured(RungFigure(costs: [1.5, 2.5, 9], operations: 7, note: "so"))),
      Rung(primitive, .unavailable("too \"large\"")),
      Rung(piece, .measured(RungFigure(costs: [5e8], operations: 1))),
    ]
    let data = try JSONEncoder().encode(rungs)
    #expect(try JSONDecoder().decode([Rung].self, from: data) == rungs)
    let objects = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    #expect(
      Set(objects[0].keys) == [
        "name", "what", "per", "span_bytes", "apart_bytes", "order", "page_bytes", "median_ns", "lowest_ns",
        "highest_ns", "rounds", "operations_per_round", "note",
      ])
    #expect(objects[0]["median_ns"] as? Double == 2.5)
    #expect(objects[1]["unavailable"] as? String == "too \"large\"" && objects[1]["median_ns"] == nil)
    #expect(objects[2]["gib_per_second"] as? Double == 2)
  }

  // MARK: huge pages

  /// The real kernel: small pages aren't huge, and nobody asked that they were.
  @Test func aMappingOfSmallPagesIsInOrder() throws {
    let mapping = try HostMapping(bytes: 4 << 20, page: .small)
    mapping.touch()
    let use = try #require(HugePageUse.ofMapping(around: mapping.base))
    try mapping.checkPages(try Self.host(use: use))
  }
}
