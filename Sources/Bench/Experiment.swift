import GuestMemory
import Hinting
import Records

/// An experiment: its options, how it runs a repetition of a cell, and the record it writes.
package protocol Experiment: Sendable {
  static var card: ExperimentCard { get }

  /// The default matrix. `quick`: a matrix that takes seconds instead of a minute.
  static func groups(quick: Bool) -> [RunConfig.Group]

  /// The number of measured threads that run at once in a repetition, of all kinds: scanners, mutators (`auto` counts
  /// as 0), hosts, destinations. 1 by a virtual clock.
  ///
  /// - Parameter nodes: the guest's node count.
  static func threads(_ options: OptionValues, nodes: Int) -> Int

  /// The number of those threads that run on guest CPUs: scanners, mutators and other threads that allocate.
  static func guestThreads(_ options: OptionValues, nodes: Int) -> Int

  /// The number of mutators for `auto`.
  static func mutators(_ options: OptionValues, nodes: Int, hostCPUs: Int) -> Int

  /// The estimated time of a repetition, without building the guest. Nanoseconds.
  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double

  /// Why a strategy can't run with these options; nil if it can.
  static func mismatch(_ options: OptionValues, _ strategy: StrategyCard) -> String?

  /// Why a cell is invalid and what would be valid; nil if it is valid. Invalid cells are skipped and reported.
  static func obstacle(_ cell: Cell) -> String?

  /// Host memory that a repetition needs beside the modelled guest; nil if negligible.
  static func memory(_ cell: Cell) -> MemoryNeed?

  /// What a cell needs that this machine lacks, and an alternative; nil if nothing is missing.
  static func missing(_ cell: Cell) -> String?

  /// Runs one repetition of one of the experiment's cells.
  ///
  /// - Throws: ``GuestError`` or ``SystemCallError`` if the host runs out of memory.
  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult
}

extension Experiment {
  package static func threads(_ options: OptionValues, nodes: Int) -> Int {
    options.scanners(nodes: nodes) + options.mutators + (options.hostAckNs > 0 ? options.scanners(nodes: nodes) : 0)
  }

  package static func guestThreads(_ options: OptionValues, nodes: Int) -> Int {
    options.scanners(nodes: nodes) + options.mutators
  }

  package static func mutators(_ options: OptionValues, nodes: Int, hostCPUs: Int) -> Int {
    max(hostCPUs - threads(options, nodes: nodes), 1)
  }

  package static func mismatch(_ options: OptionValues, _ strategy: StrategyCard) -> String? { nil }
  package static func obstacle(_ cell: Cell) -> String? { nil }
  package static func memory(_ cell: Cell) -> MemoryNeed? { nil }
  package static func missing(_ cell: Cell) -> String? { nil }
}

/// Host memory that a cell needs beside the modelled guest.
package struct MemoryNeed {
  package var bytes: UInt64
  /// The consumer, for messages: "a migration of 8G, aged, by the real clock".
  package var what: String
  /// What the memory is used for.
  package var purpose: String
  /// A setting that needs less.
  package var accepted: String

  package init(bytes: UInt64, what: String, purpose: String, accepted: String) {
    self.bytes = bytes
    self.what = what
    self.purpose = purpose
    self.accepted = accepted
  }
}

/// One repetition of a cell, as passed to its experiment.
package struct Repetition {
  package let cell: Cell
  /// The repetition's number, from 0.
  package let number: Int
  /// The row of runs.csv, with everything that is known before the repetition runs.
  package let record: RunRecord
  private let modelled: (model: ModelledGuest, team: ScanTeam)?

  /// Creates a repetition. `modelled`: nil if the experiment uses no modelled guest.
  init(cell: Cell, number: Int, record: RunRecord, modelled: (model: ModelledGuest, team: ScanTeam)?) {
    self.cell = cell
    self.number = number
    self.record = record
    self.modelled = modelled
  }

  /// The modelled guest. Traps if the experiment uses none.
  package var model: ModelledGuest {
    guard let modelled else { preconditionFailure("\(cell.experiment.card.name) has no modelled guest") }
    return modelled.model
  }

  package var guest: Guest { model.guest }

  /// The scanners, prepared for this guest; none in an experiment without strategies. Traps if the experiment uses no
  /// modelled guest.
  package var team: ScanTeam {
    guard let modelled else { preconditionFailure("\(cell.experiment.card.name) has no modelled guest") }
    return modelled.team
  }

  /// The strategy of the only scanner, or of the first one.
  package var runner: StrategyRunner { team.members[0].runner }
}
