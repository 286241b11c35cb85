import Records
import TestSupport
import Testing

@testable import Bench

/// The bench with experiments that it has never heard of.
@Suite struct ExperimentListTests {
  private static let list = ExperimentList([CountingExperiment.self, LookingExperiment.self])
  private static let host = Matrix.HostResources(cpus: 2, availableBytes: 8 << 30)

  private static func matrix(_ experiments: [String]?, quick: Bool = true) throws -> Matrix {
    var config = try RunConfig.standard(experiments, quick: quick, of: list)
    config.repetitions = 2
    config.counters = "off"
    return try Matrix(config, host: host, experiments: list)
  }

  @Test func whatNobodyNamesIsTheFirst() throws {
    #expect(try RunConfig.standard(of: Self.list).experiments == ["counting"])
    #expect(try RunConfig().experimentCards(of: Self.list).map(\.name) == ["counting"])
    var config = RunConfig()
    config.groups = CountingExperiment.groups(quick: true)
    let matrix = try Matrix(config, host: Self.host, experiments: Self.list)
    #expect(matrix.config.experiments == ["counting"], "meta.json names it")
    #expect(Set(matrix.cells.map(\.experimentCard.name)) == ["counting"])
    // None is not the same as nothing said.
    config.experiments = []
    let error = #expect(throws: UserError.self) {
      try Matrix(config, host: Self.host, experiments: Self.list)
    }
    #expect(error?.kind == .usage)
  }

  @Test func anUnknownOneIsRefusedWithThoseThereAre() {
    for name in ["scan", "", "Counting"] {
      let error = #expect(throws: UserError.self) { try Self.matrix(["counting", name]) }
      #expect(error == UserError(.usage, "unknown experiment '\(name)': expected one of counting, looking"))
    }
    let none = ExperimentList([])
    #expect(none.cards.isEmpty)
    #expect(throws: UserError.self) { try Matrix(RunConfig(), host: Self.host, experiments: none) }
  }

  @Test func itsOptionsAreDimensions() throws {
    #expect(try Self.matrix(["counting"]).cells.map(\.optionsText) == ["upto=2", "upto=3"])
    #expect(try Self.matrix(["counting:upto=7"], quick: false).cells.map(\.guestBytes) == [128 << 20, 256 << 20])
    let error = #expect(throws: UserError.self) { try Self.matrix(["counting:upto=1001"]) }
    #expect(error?.kind == .usage)
  }

  @Test func eventsAreForThoseThatCountThem() throws {
    var config = try RunConfig.standard(["counting"], of: Self.list)
    config.events = ["perf::A"]
    let error = #expect(throws: UserError.self) { try Matrix(config, host: Self.host, experiments: Self.list) }
    #expect(error == UserError(.usage, "counting counts no events: expected looking"))
  }

  @Test func bothAreRunInOneMatrix() throws {
    let matrix = try Self.matrix(["counting:upto=5", "looking"])
    #expect(matrix.cells.count == 3 && matrix.cells.filter { $0.configuredStrategy == nil }.count == 1)
    let observer = Observer()
    let cells = try onOwnThread {
      try MatrixRunner(matrix, RunIdentity(runID: "r", host: "h", commit: nil, branch: nil)).run(observer)
    }
    #expect(cells.count == 3 && cells.allSatisfy { $0.repetitions == 2 })
    let results = observer.results
    #expect(results.count == 6 && results.allSatisfy { $0.failure == nil && $0.run.found.outcome == .complete })
    #expect(Set(results.compactMap { $0.experiment?.rows }) == [[["5"]]])
    let free = results.filter { $0.run.identity.experiment == "looking" }.map(\.run.found.blocksFree)
    #expect(free.count == 4 && Set(free).count == 1 && (free[0] ?? 0) > 0)
  }

  private final class Observer: RunObserver {
    private(set) var results: [RepetitionResult] = []
    func finished(_ repetition: RepetitionResult) { results.append(repetition) }
    func progress(done: Int, total: Int, label: String) {}
  }
}
