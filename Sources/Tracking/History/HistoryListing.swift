import Foundation
import Records
import Reporting

/// The runs of a history, one per line.
public struct HistoryListing: Sendable {
  private let entries: [HistoryEntry]

  public init(_ entries: [HistoryEntry]) { self.entries = entries }

  /// The listing as a table for a terminal.
  public var text: String {
    guard !entries.isEmpty else { return "No runs." }
    let text = TableText.render(
      titles: ["name", "started", "commit", "branch", "host", "experiments", "cells", "repetitions"],
      rows: entries.map { entry in
        [
          entry.name, entry.started, Self.commit(entry), entry.branch ?? Figure.missing, entry.host,
          entry.experiments.joined(separator: ", "), String(entry.cells),
          String(entry.repetitions) + (entry.finished == nil ? " (unfinished)" : ""),
        ]
      }, leftAligned: [0, 1, 2, 3, 4, 5])
    return text.withoutLastLineFeed
  }

  /// The listing as RFC 4180.
  public var csv: String {
    let header = [
      "name", "run_id", "started", "finished", "commit", "dirty", "branch", "host", "cpu_model", "build_mode",
      "experiments", "cells", "repetitions",
    ]
    let rows: [[String?]] = entries.map { entry in
      [
        entry.name, entry.runID, entry.started, entry.finished, entry.commit, entry.dirty?.columnText, entry.branch,
        entry.host, entry.cpuModel, entry.buildMode, entry.experiments.joined(separator: " "), String(entry.cells),
        String(entry.repetitions),
      ]
    }
    return CSVText.make([header] + rows)
  }

  /// The listing as a JSON array of objects.
  ///
  /// - Throws: encoding errors.
  public var json: String {
    get throws { String(decoding: try JSONEncoder.standard.encode(entries), as: UTF8.self) }
  }

  /// The outcome of an import, in one line.
  public static func imported(_ outcome: History.Imported, _ entry: HistoryEntry) -> String {
    let what =
      switch outcome {
      case .added: "added"
      case .replaced: "replaced, now with more"
      case .alreadyThere: "already there"
      }
    let state = entry.finished == nil ? ", unfinished" : ""
    return "\(entry.name): \(what): \(entry.experiments.joined(separator: ", ")), \(entry.cells) cells, "
      + "\(entry.repetitions) repetitions\(state)"
  }

  /// Twelve digits of the commit, marked if the source was modified.
  static func commit(_ entry: HistoryEntry) -> String {
    entry.commit.map { $0.prefix(12) + (entry.dirty == true ? " +" : "") } ?? Figure.missing
  }
}
