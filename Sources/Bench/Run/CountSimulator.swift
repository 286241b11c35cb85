import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Records

/// Counts events by simulation on machines without counters: runs each cell's session once in a second process that
/// builds the same guest (see ``Callgrind``).
///
/// The counted region is that of the pass without a probe, from the state every repetition starts from, so that the
/// count holds for every repetition. Rows say `simulated`.
public final class CountSimulator {
  private let matrix: Matrix
  private let callgrind: Callgrind
  /// The facts for meta.json.
  let facts: CounterFacts

  /// The subcommand that makes this program call ``answer(_:experiments:)``.
  public static let command = "count-simulated"
  /// The name under which an empty region is counted.
  private static let nothing = "nothing"

  /// Checks that simulation works. Takes some seconds.
  ///
  /// - Throws: ``CounterError/noSimulation(reason:)`` if it doesn't.
  init(_ matrix: Matrix, _ callgrind: Callgrind) throws {
    self.matrix = matrix
    self.callgrind = callgrind
    let outcome = try callgrind.run([Self.command], input: try Self.request(matrix, []))
    guard let overhead = outcome.counts[Self.nothing], outcome.failure == nil else {
      throw CounterError.noSimulation(reason: outcome.failure ?? "\(callgrind.version) counted nothing")
    }
    facts = CounterFacts(callgrind, overhead: overhead)
  }

  /// Counts the cells of one guest. Returns the counts by cell id, and why some are missing.
  ///
  /// - Throws: ``SystemCallError`` if the host refuses the second process.
  func count(_ cells: [Cell]) throws -> (counts: [String: RunRecord.Counters], failure: String?) {
    let outcome = try callgrind.run([Self.command], input: try Self.request(matrix, cells.map(\.id)))
    var counts: [String: RunRecord.Counters] = [:]
    for cell in cells {
      if let reading = outcome.counts[cell.id] {
        counts[cell.id] = RunRecord.Counters(reading, source: CounterFacts.simulated)
      }
    }
    return (counts, outcome.failure)
  }

  // MARK: the second process

  private struct Request: Codable {
    var parent: Int32
    var config: RunConfig
    var host: Matrix.HostResources
    var cells: [String]
  }

  private static func request(_ matrix: Matrix, _ cells: [String]) throws -> [UInt8] {
    let request = Request(parent: getpid(), config: matrix.config, host: matrix.host, cells: cells)
    return Array(try JSONEncoder().encode(request))
  }

  /// Runs as the simulated process: builds the guests of the requested cells and counts one session of each.
  ///
  /// - Parameters:
  ///   - request: the process's standard input.
  ///   - experiments: the program's experiments.
  /// - Throws: ``UserError`` if this isn't a simulated process, and errors of building a guest.
  public static func answer(_ request: Data, experiments: ExperimentList) throws {
    guard Simulation.isOn else {
      throw UserError(.usage, "`\(command)` is what `run --counters simulated` calls, under valgrind")
    }
    let request = try JSONDecoder().decode(Request.self, from: request)
    try Simulation.endWithParent(request.parent)
    Simulation.count(as: nothing) { start, stop in
      start()
      stop()
    }
    guard !request.cells.isEmpty else { return }
    let matrix = try Matrix(request.config, host: request.host, experiments: experiments)
    let stop = StopFlag()
    defer { stop.deallocate() }
    var model: ModelledGuest?
    for cell in matrix.cells where request.cells.contains(cell.id) {
      if model?.spec != cell.guest {
        model = nil
        model = try ModelledGuest(cell.guest, matrix.captures, LibNuma())
      }
      guard let model else { continue }
      try session(cell, model, stop)
    }
  }

  private static func session(_ cell: Cell, _ model: ModelledGuest, _ stop: StopFlag) throws {
    let runner = cell.strategy.runner()
    try runner.prepare(model.guest.core, lowestOrder: cell.order)
    func pass(_ bracket: StrategyRunner.Bracket?) {
      _ = runner.speedPass(.init(model.guest), Session(lowestOrder: cell.order, stop: stop), bracket: bracket)
      if cell.changesLists { model.touch() }
    }
    // One-time costs aren't the strategy's.
    model.restore([runner])
    pass(nil)
    model.restore([runner])
    Simulation.count(
      as: cell.id, warmUp: { if cell.cache == .warm { model.guest.walkLists(fromOrder: cell.order) } },
      body: { start, stop in pass(StrategyRunner.Bracket(start: start, stop: stop)) })
  }
}
