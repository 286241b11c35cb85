import Reporting

/// A run of a history as text for a terminal: its facts and result tables.
public struct HistoryRunText: Sendable {
  private let entry: HistoryEntry
  private let run: TrackedRun

  public init(_ entry: HistoryEntry, _ run: TrackedRun) {
    self.entry = entry
    self.run = run
  }

  public var text: String {
    let facts: [(String, String?)] = [
      ("run", entry.name == entry.runID ? entry.name : "\(entry.name) (\(entry.runID))"),
      ("started", entry.started), ("finished", entry.finished ?? "no"),
      ("commit", entry.commit == nil ? nil : HistoryListing.commit(entry)), ("branch", entry.branch),
      ("host", [entry.host, entry.cpuModel].compactMap { $0 }.joined(separator: ", ")), ("build", entry.buildMode),
      ("command", run.meta.commandLine.joined(separator: " ")),
      ("held", "\(entry.cells) cells, \(entry.repetitions) repetitions"),
    ]
    let width = facts.map(\.0.count).max() ?? 0
    let lines = facts.compactMap { name, value in
      value.map { name + String(repeating: " ", count: width - name.count + 2) + $0 }
    }
    var parts = [
      lines.joined(separator: "\n"), ResultTable(cells: run.cells, runs: run.repetitions, meta: run.meta).text,
    ]
    for card in run.catalogue.experiments {
      let rows = run.ownRows[card.name] ?? []
      if let text = ExperimentTable(card, cells: run.cells, runs: run.repetitions, rows: rows).text {
        parts.append(text)
      }
    }
    return parts.map(\.withoutLastLineFeed).joined(separator: "\n\n")
  }
}

extension String {
  /// The text without its final line feed.
  var withoutLastLineFeed: String { hasSuffix("\n") ? String(dropLast()) : self }
}
