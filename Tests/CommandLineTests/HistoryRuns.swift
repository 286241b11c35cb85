import Experiments
import Foundation
import Records
import Reporting

@testable import Tracking

/// Run folders as several nights would leave them: one that the program made, and copies of it.
enum HistoryRuns {
  static let words = [
    "run", "--guest", "128M", "--state", "fresh,aged", "--strategy",
    "none,budgeted-resume,pluck-buffer,alloc-max-order,allocator:pages=64",
    "--repetitions", "3", "--cache", "warm", "--counters", "off", "--seed", "5",
  ]

  /// Makes so many run folders, `night-01` and on, a day apart; the last one has so many times the CPU time. Returns
  /// their names.
  static func make(_ count: Int, in folder: String, lastFactor: Double = 1) throws -> [String] {
    let result = try Tool.run(words + ["--out", "original"], in: folder)
    guard result.status == 0 else { throw Failed(what: "\(result)") }
    let original = folder + "/original"
    let id = try RunFiles.meta(original)["run_id"] as? String ?? ""
    var names: [String] = []
    for night in 1...count {
      let name = "night-" + (night < 10 ? "0" : "") + String(night)
      try copy(original, to: folder + "/" + name, id, night, factor: night == count ? lastFactor : 1)
      names.append(name)
    }
    try FileManager.default.removeItem(atPath: original)
    return names
  }

  private static func copy(_ original: String, to path: String, _ id: String, _ night: Int, factor: Double) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let newID = URL(fileURLWithPath: path).lastPathComponent
    for name in RunFiles.names {
      var text = try String(contentsOfFile: original + "/" + name, encoding: .utf8).replacing(id, with: newID)
      if name == RunRecord.fileName, var table = try RunFiles.table(original + "/" + name) {
        let (run, time) = (table.header.firstIndex(of: "run_id") ?? 0, table.header.firstIndex(of: "guest_cpu_ns") ?? 0)
        for index in table.rows.indices {
          table.rows[index][run] = newID
          // A percent of scatter, the same each time.
          let value = (Double(table.rows[index][time]) ?? 0) * factor * (1 + Double(night * 7 % 5) / 100)
          table.rows[index][time] = value.decimalText ?? ""
        }
        text = String(decoding: ([table.header] + table.rows).flatMap { CSVWriter.line($0) }, as: UTF8.self)
      }
      try Folder.write(text, to: path + "/" + name)
    }
    var meta = try RunFiles.meta(path)
    meta["started"] = Date(timeIntervalSince1970: 1_790_000_000 + Double(night) * 86400).columnText
    try JSONSerialization.data(withJSONObject: meta).write(to: URL(fileURLWithPath: path + "/meta.json"))
  }

  private struct Failed: Error { var what: String }
}

extension History {
  /// What SQLite finds wrong with the file; empty if nothing is.
  func damage() throws -> [String] {
    try read { db in
      let found = try db.rows("PRAGMA integrity_check").map { $0.string(0) }
      let orphans = try db.rows("PRAGMA foreign_key_check")
      return (found == ["ok"] ? [] : found) + orphans.map { "\($0.values)" }
    }
  }
}
