import Records

@testable import Bench

/// An experiment without strategies and without an allocator, with one option.
enum CountingExperiment: Experiment {
  static let card = ExperimentCard(
    name: "counting", question: "how far it counts", files: "runs.csv, cells.csv, counting.csv",
    decisiveMetrics: ["counted"], guest: .size, suited: "none",
    options: [
      DeclaredOption("upto", .integer(1...1000), defaults: ["2", "3"], "where it ends", source: "these tests")
    ],
    columns: CountingRecord.experimentColumns, suits: nil)

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var group = RunConfig.Group()
    group.guests = quick ? ["128M"] : ["128M", "256M"]
    return [group]
  }

  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double { 1 }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    var run = repetition.record
    run.found.outcome = .complete
    let record = CountingRecord(counted: repetition.cell.options.integer("upto"))
    return RepetitionResult(
      run: run, zones: [], holds: [], holdSequence: nil, experiment: ExperimentRows(card, [record]))
  }
}

struct CountingRecord: ExperimentRecord {
  var counted = 0

  static let fileName = "counting.csv"
  static let blank = CountingRecord()
  static let keyColumns = 0
  static let columns: [Column<CountingRecord>] = [Column("counted", \.counted, meaning: "How far it came.")]
}

/// One whose cells have a guest and a strategy, and which counts events.
enum LookingExperiment: Experiment {
  static let card = ExperimentCard(
    name: "looking", question: "what is there", files: "runs.csv, cells.csv", decisiveMetrics: ["guest_cpu_ns"],
    options: [.cache], flags: ["cache"], countsEvents: true)

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var group = RunConfig.Group()
    group.guests = ["128M"]
    group.states = ["fresh"]
    group.strategies = ["none", "step-iterator"]
    group.experimentOptions = ["cache": ["warm"]]
    return [group]
  }

  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double { cell.restartNanoseconds(host) }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    bench.restart(repetition)
    var run = repetition.record
    run.found.outcome = .complete
    run.found.blocksFree = repetition.guest.freeBlockCount(fromOrder: repetition.cell.order)
    return RepetitionResult(run: run, zones: [], holds: [], holdSequence: nil)
  }
}
