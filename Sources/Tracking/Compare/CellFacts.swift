import Records
import Reporting

/// The description of a cell, as far as its rows contain it; its identity is `cell_id`.
struct CellFacts {
  let cellID: String
  let experiment: String
  /// The full name.
  let strategy: String
  /// Whether any repetition had more measured threads than CPUs.
  let isOversubscribed: Bool
  /// The position of its first row among all cells' first rows.
  let place: Int
  /// Everything else that distinguishes cells, as text, in reading order; nil if empty.
  let parts: [String?]
  /// The placement; shown only if it distinguishes cells.
  let placement: [String?]

  /// The properties that a cell of another strategy must share; without the lowest order, which may be the strategy's
  /// own.
  struct Setting: Hashable {
    let experiment: String
    let parts: [String?]
  }
  let setting: Setting

  /// Creates the facts from the committed repetitions of one cell.
  init?(_ records: [RunRecord], place: Int, _ catalogue: Catalogue) {
    guard let first = records.first else { return nil }
    cellID = first.identity.cellID
    experiment = first.identity.experiment
    strategy = first.identity.strategy
    isOversubscribed = records.contains(where: \.load.oversubscribed)
    self.place = place
    isControl = catalogue.isControl(strategy: first.identity.strategy, experiment: first.identity.experiment)
    let guest = first.guest
    let load = first.load
    let shared: [String?] = [
      Figure.bytes(guest.bytes), Self.shown(guest.state), guest.nodes.flatMap { $0 == 1 ? nil : "\($0) nodes" },
      guest.cpus.map { "\($0) CPUs" },
      guest.source.flatMap { source in
        guest.kernelRules.map { source == "model" ? "rules of Linux \($0)" : "Linux \($0) \(source)" }
      },
      // Values implied by the state aren't shown.
      guest.hasNaturalListOrder ? nil : Self.shown(guest.listOrder, "lists"),
      guest.granuleOrder.map { "granule \($0)" },
      guest.vmemmapPageBytes.map { "vmemmap in \(Figure.bytes(UInt64($0)))" }, Self.shown(guest.lockKind, "lock"),
      guest.pageInit.isEmpty ? nil : "page init \(guest.pageInit)",
      load.kind == "none" ? nil : "load \(load.kind) x \(load.mutators)", Self.shown(load.cache, "cache"),
      load.hostAckNs.flatMap { $0 > 0 ? "ack \(Figure.time(ns: $0))" : nil },
      Self.shown(OptionsText.unshown(first.identity.experimentOptions).joined(separator: " ")),
    ]
    placement = [
      load.scanNode.map { "scanner on node \($0)" }, load.memoryNode.map { "memory on node \($0)" },
    ]
    setting = Setting(experiment: experiment, parts: shared + placement)
    parts = shared + [guest.order.map { "order \($0)" }]
  }

  /// A value followed by its name; nil if the value is empty.
  private static func shown(_ word: String, _ what: String? = nil) -> String? {
    word.isEmpty ? nil : [word, what].compactMap { $0 }.joined(separator: " ")
  }

  /// See ``Catalogue/isControl(strategy:experiment:)``.
  let isControl: Bool

  /// Every cell of the runs by its id, from the first run that has it.
  static func all(_ runs: [TrackedRun]) -> (order: [String], byID: [String: CellFacts]) {
    var order: [String] = []
    var byID: [String: CellFacts] = [:]
    for run in runs {
      let records = Dictionary(grouping: run.repetitions, by: \.identity.cellID)
      // cells.csv is in the matrix's order, but may be incomplete in an unfinished run.
      for id in run.cells.map(\.cellID) + run.cellIDs where byID[id] == nil {
        guard let facts = CellFacts(records[id] ?? [], place: order.count, run.catalogue) else { continue }
        order.append(id)
        byID[id] = facts
      }
    }
    return (order, byID)
  }
}
