import ArgumentParser
import Bench
import Experiments
import Foundation
import Instruments
import Machine
import Records
import Reporting
import Tracking

/// Runs a matrix, from folder to table.
enum RunJob {
  /// Default parent folder of runs.
  static let runsFolder = "Reports/runs"

  /// Starts a new run. Returns its folder.
  ///
  /// - Parameter shows: whether its tables are printed.
  @discardableResult
  static func start(_ matrix: Matrix, out: String?, shows: Bool = true) throws -> String {
    try DebugBuild.refuse()
    for note in matrix.captureNotes { say("capture: \(note)") }
    for note in matrix.omissions { say("skipped: \(note)") }
    let (meta, branch) = try newMeta(config: matrix.config, seed: matrix.config.seed)
    let path = out ?? "\(runsFolder)/\(meta.runID)"
    // Anything the machine may refuse comes first: a run that can't begin leaves no folder.
    let runner = try MatrixRunner(matrix, identity(meta, branch: branch))
    // A launch of a comparison has nothing to show before its first turn.
    let turn = Turn()
    turn?.next()
    let folder = try RunFolder.create(at: path, meta: meta)
    // For who watches and may press Ctrl-C.
    if turn == nil && isatty(STDERR_FILENO) == 1 { say("writing to \(folder.path)") }
    try measure(matrix, runner, meta, folder, finished: [], isLaunch: turn != nil, shows: shows) { turn?.next() }
    return path
  }

  /// The meta of a run that starts now, and the branch of this program's source.
  static func newMeta(config: some Encodable, seed: UInt64) throws -> (meta: RunMeta, branch: String?) {
    let started = Date()
    let revision = SourceRevision.ofThisProgram
    let host = HostFacts.gather()
    let meta = RunMeta(
      runID: RunName.make(started), commandLine: CommandLine.arguments, config: try JSONValue(encoding: config),
      seed: seed, commit: revision?.commit, dirty: revision?.isDirty, buildMode: host.build.mode,
      host: try JSONValue(encoding: host), started: started)
    return (meta, revision?.branch)
  }

  /// Resumes an unfinished run.
  static func resume(_ path: String) throws {
    try DebugBuild.refuse()
    let resumed = try RunFolder.resume(at: path)
    if resumed.meta.finished != nil {
      let reader = try RunReader(path: path)
      // Only removes what a kill in the last moment left.
      try resumed.folder.finish(cells: try reader.cells(), meta: resumed.meta)
      try show(reader, try reader.cells(), resumed.meta)
      return
    }
    let differences = changes(since: resumed.meta)
    guard differences.isEmpty else {
      throw UserError(
        .unavailable,
        "\(path): can't resume: the run began with \(differences.joined(separator: ", ")); expected the same build on "
          + "the "
          + "same machine, or a new run")
    }
    let config: RunConfig
    do {
      config = try RunConfig(recorded: resumed.meta.config)
    } catch {
      throw UserError(.input, "\(path)/meta.json: invalid config; expected a run of this version")
    }
    guard !config.groups.contains(where: \.captureFiles.isPiped) else {
      throw UserError(
        .unavailable,
        "\(path): can't resume: its capture came from standard input; expected a run of a capture in a file")
    }
    let matrix = try Matrix(config, host: .current)
    let known = Set(matrix.cells.map(\.id))
    guard resumed.committed.allSatisfy({ known.contains($0.cellID) }) else {
      throw UserError(
        .unavailable,
        "\(path): can't resume: its settings now give different cells, because a capture changed, or the CPUs or free "
          + "memory that `auto` depends on; expected the conditions of its start, or a new run")
    }
    if !resumed.lost.isEmpty {
      say("\(resumed.lost.count) repetitions have incomplete rows (after a power failure?): running them again")
    }
    let runner = try MatrixRunner(
      matrix, identity(resumed.meta, branch: resumed.runs.first?.identity.branch))
    try measure(matrix, runner, resumed.meta, resumed.folder, finished: resumed.runs)
  }

  /// The differences between this build and machine and those of an unfinished run, as far as known.
  private static func changes(since meta: RunMeta) -> [String] {
    let now = HostFacts.gather()
    let then = try? JSONDecoder.standard.decode(HostFacts.self, from: JSONEncoder.standard.encode(meta.host))
    let facts: [(name: String, then: String?, now: String?)] = [
      ("commit", meta.commit, SourceRevision.ofThisProgram?.commit), ("build", meta.buildMode, now.build.mode),
      ("host", then?.hostname, now.hostname), ("processor", then?.cpuModel, now.cpuModel),
    ]
    return facts.compactMap { name, then, now in
      guard let then, let now, then != now else { return nil }
      return "\(name) \(then), and this is \(now)"
    }
  }

  static func identity(_ meta: RunMeta, branch: String?) -> RunIdentity {
    RunIdentity(runID: meta.runID, host: HostFacts.gather().hostname ?? "", commit: meta.commit, branch: branch)
  }

  private static func measure(
    _ matrix: Matrix, _ runner: MatrixRunner, _ start: RunMeta, _ folder: RunFolder, finished: [RunRecord],
    isLaunch: Bool = false, shows: Bool = true, beforeEach: @escaping () -> Void = {}
  ) throws {
    // A launch of a comparison ends with the comparison.
    if !isLaunch { Interrupt.watch() }
    let began = ContinuousClock.now
    var round = try Round(matrix, runner, start, folder, finished: finished, isLaunch: isLaunch, beforeEach: beforeEach)
    var comparisons: [Comparison] = []
    if matrix.config.until != nil {
      comparisons = try UntilDecided.comparisons(round, folder)
      while round.isWhole, !comparisons.allSatisfy(\.isDecided),
        let next = UntilDecided.next(round.matrix, since: began)
      {
        var meta = round.meta
        meta.config = try JSONValue(encoding: next.config)
        try folder.write(meta: meta)
        let runner = try MatrixRunner(next, identity(meta, branch: round.contents.runs.first?.identity.branch))
        round = try Round(next, runner, meta, folder, finished: round.contents.runs)
        // If the time was up in between, those of the last look stand.
        if round.isWhole { comparisons = try UntilDecided.comparisons(round, folder) }
      }
    }
    try round.end(folder)
    if shows { try show(round.contents, round.cells, round.meta) }
    for comparison in comparisons { print(ComparisonTable(comparison).text) }
    // A comparison counts failures of its launches itself.
    if !isLaunch { try requireAll(round.contents, round.matrix, round.total, round.meta) }
    if !comparisons.allSatisfy(\.isDecided) {
      say("after \(round.matrix.config.repetitions) repetitions some comparisons aren't decided, and no more are run")
      throw ExitCode(3)
    }
  }

  /// The exit status of what was asked for and not measured: 130 after Ctrl-C, 3 after a time limit or a repetition that
  /// failed, each with a line that says so; 3 also if cells that were asked for were skipped, as was said at the start.
  private static func requireAll(_ run: RunReader, _ matrix: Matrix, _ total: Int, _ meta: RunMeta) throws {
    let missing = total - run.runs.count
    if missing > 0 {
      let why = Interrupt.isRequested ? "interrupted" : "the time limit was reached"
      say(
        "\(why): \(run.runs.count) of \(total) repetitions measured; `hintbench run --resume \(run.path)` runs the rest"
      )
      throw ExitCode(Interrupt.isRequested ? 130 : 3)
    }
    let failed = run.runs.count { $0.found.outcome == .error }
    if failed > 0 {
      say("\(failed) of \(total) repetitions failed: \(meta.errors.first?.reason ?? "see errors in meta.json")")
      throw ExitCode(3)
    }
    if !matrix.unmet.isEmpty { throw ExitCode(3) }
  }

  private static func show(_ run: RunReader, _ cells: [CellRecord], _ meta: RunMeta) throws {
    print(ResultTable(cells: cells, runs: run.runs, meta: meta).text)
    for card in Experiments.all where cells.contains(where: { $0.experiment == card.name }) {
      let rows = try run.rows(ofExperiment: card.name)
      if let text = ExperimentTable(card, cells: cells, runs: run.runs, rows: rows).text { print(text) }
    }
    print("Files: \(run.path)")
  }

  static func say(_ text: String) { FileHandle.standardError.write(Data("hintbench: \(text)\n".utf8)) }
}

/// All planned repetitions of a run, measured as far as the time limit and the user let them.
struct Round {
  let matrix: Matrix
  let contents: RunReader
  let cells: [CellRecord]
  private(set) var meta: RunMeta
  /// The planned number of repetitions of all cells.
  let total: Int

  /// Measures those that aren't finished.
  init(
    _ matrix: Matrix, _ runner: MatrixRunner, _ start: RunMeta, _ folder: RunFolder, finished: [RunRecord],
    isLaunch: Bool = false, beforeEach: @escaping () -> Void = {}
  ) throws {
    self.matrix = matrix
    var meta = start
    meta.limits = try JSONValue(encoding: runner.floors)
    meta.counters = try runner.counterFacts.map { try JSONValue(encoding: $0) }
    total = matrix.cells.count * matrix.config.repetitions
    let recorder = RunRecorder(
      folder, meta: start, total: total, resumed: finished.count, isLaunch: isLaunch, beforeEach: beforeEach,
      interrupted: { Interrupt.isRequested })
    cells = try runner.run(recorder, finished: finished) { try folder.holdSequence(of: $0) }
    meta.unavailable =
      matrix.captureNotes.map { .init(what: "capture", why: $0) }
      + matrix.omissions.map { .init(what: "cells", why: $0) } + runner.unavailable
    meta.errors = recorder.errors
    meta.guests = runner.guests.isEmpty ? meta.guests : runner.guests
    self.meta = meta
    contents = try RunReader(path: folder.path)
  }

  /// Whether all planned repetitions are there.
  var isWhole: Bool { contents.runs.count == total }

  /// Writes what the repetitions came to, and marks the run as finished if it is.
  mutating func end(_ folder: RunFolder) throws {
    guard isWhole else {
      try folder.write(cells: cells)
      try folder.write(meta: meta)
      return
    }
    meta.finished = Date()
    try folder.finish(cells: cells, meta: meta)
  }
}

/// The name of a new run.
enum RunName {
  /// Returns the UTC time and four random letters, so that two runs of one second differ.
  static func make(_ date: Date) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = "yyyyMMdd-HHmmss"
    let letters = (0..<4).map { _ in "abcdefghijkmnpqrstuvwxyz".randomElement().map(String.init) ?? "x" }.joined()
    return "\(formatter.string(from: date))-\(letters)"
  }
}
