import GuestMemory
import Hinting
import Records

/// One question that is put to every cell: what it can be told, how a repetition of it is run, and what it writes.
package protocol Experiment: Sendable {
  static var card: ExperimentCard { get }

  /// Guests, states, strategies and options that are run if nobody says else. `quick`: seconds, not a minute.
  static func groups(quick: Bool) -> [RunConfig.Group]

  /// Measured threads that run at once in a repetition, on whatever side: the strategy's, mutators (`auto` counts as
  /// none), hosts, destinations. By a virtual clock: one.
  ///
  /// - Parameter nodes: of the guest.
  static func threads(_ options: OptionValues, nodes: Int) -> Int

  /// Those of them that are on CPUs of the guest: scanners, mutators, and whoever else allocates.
  static func guestThreads(_ options: OptionValues, nodes: Int) -> Int

  /// How many mutators `auto` is.
  static func mutators(_ options: OptionValues, nodes: Int, hostCPUs: Int) -> Int

  /// What a repetition takes, about, without what the guest takes to be built. Nanoseconds.
  static func estimate(_ cell: Cell, _ host: Matrix.HostLimits) -> Double

  /// Why a strategy can't do what these options ask for; nil if it can.
  static func mismatch(_ options: OptionValues, _ strategy: StrategyCard) -> String?

  /// Why a cell makes no sense, in words that say what would; nil if it does. Such cells are left out, and said.
  static func obstacle(_ cell: Cell) -> String?

  /// Host memory that a repetition takes beside the modelled guest; nil if that is little.
  static func memory(_ cell: Cell) -> MemoryNeed?

  /// What a cell needs of this machine that isn't there, and what would do; nil if all is.
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

  /// `modelled`: nil where the experiment uses no modelled guest.
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

  /// Who scans, prepared for this guest; nobody in an experiment without strategies.
  package var team: ScanTeam {
    guard let modelled else { preconditionFailure("\(cell.experiment.card.name) has no modelled guest") }
    return modelled.team
  }

  /// The only scanner's strategy, or the first one's.
  package var runner: StrategyRunner { team.members[0].runner }
}
