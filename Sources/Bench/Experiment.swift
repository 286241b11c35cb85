import GuestMemory
import Hinting
import Records

/// A question asked of every cell: its options, how to run a repetition, and what it writes.
package protocol Experiment: Sendable {
  static var card: ExperimentCard { get }

  /// The default matrix. `quick`: takes seconds instead of a minute.
  static func groups(quick: Bool) -> [RunConfig.Group]

  /// Measured threads that run at once in a repetition, on whatever side: the strategy's, mutators (`auto` counts as
  /// none), hosts, destinations. By a virtual clock: one.
  ///
  /// - Parameter nodes: of the guest.
  static func threads(_ options: OptionValues, nodes: Int) -> Int

  /// Those of them that are on CPUs of the guest: scanners, mutators, and other threads that allocate.
  static func guestThreads(_ options: OptionValues, nodes: Int) -> Int

  /// The number of mutators for `auto`.
  static func mutators(_ options: OptionValues, nodes: Int, hostCPUs: Int) -> Int

  /// Estimated time of a repetition, without building the guest. Nanoseconds.
  static func estimate(_ cell: Cell, _ host: Matrix.HostLimits) -> Double

  /// Why a strategy can't run with these options; nil if it can.
  static func mismatch(_ options: OptionValues, _ strategy: StrategyCard) -> String?

  /// Why a cell is invalid and what would be valid; nil if it is. Invalid cells are skipped and reported.
  static func obstacle(_ cell: Cell) -> String?

  /// Host memory that a repetition takes besides the modelled guest; nil if that is little.
  static func memory(_ cell: Cell) -> MemoryNeed?

  /// What a cell needs that this machine lacks, and an alternative; nil if nothing is missing.
  static func missing(_ cell: Cell) -> String?

  /// One repetition of one of its cells.
  ///
  /// - Throws: ``GuestError`` or ``SystemCallError`` if the host has no memory left.
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

/// Host memory that a cell takes beside the modelled guest.
package struct MemoryNeed {
  package var bytes: UInt64
  /// What takes it, for messages: "a migration of 8G, aged, by the real clock".
  package var what: String
  /// What it is for.
  package var purpose: String
  /// What would take less.
  package var accepted: String

  package init(bytes: UInt64, what: String, purpose: String, accepted: String) {
    self.bytes = bytes
    self.what = what
    self.purpose = purpose
    self.accepted = accepted
  }
}

/// One repetition of a cell, as its experiment gets it.
package struct Repetition {
  package let cell: Cell
  /// From 0.
  package let number: Int
  /// With everything in it that is known before anything runs.
  package let record: RunRecord
  private let modelled: (model: ModelledGuest, team: ScanTeam)?

  /// `modelled`: nil if the experiment uses no modelled guest.
  init(cell: Cell, number: Int, record: RunRecord, modelled: (model: ModelledGuest, team: ScanTeam)?) {
    self.cell = cell
    self.number = number
    self.record = record
    self.modelled = modelled
  }

  /// Only of experiments that use a modelled guest.
  package var model: ModelledGuest {
    guard let modelled else { preconditionFailure("\(cell.experiment.card.name) has no modelled guest") }
    return modelled.model
  }

  package var guest: Guest { model.guest }

  /// The scanners, prepared for this guest; none in an experiment without strategies.
  package var team: ScanTeam {
    guard let modelled else { preconditionFailure("\(cell.experiment.card.name) has no modelled guest") }
    return modelled.team
  }

  /// The only scanner's strategy, or the first one's.
  package var runner: StrategyRunner { team.members[0].runner }
}
