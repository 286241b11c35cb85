import Experiments
import Foundation
import Records
import Testing

/// What must hold of a run's folder at every moment.
enum RunFolderCheck {
  /// Reads the folder line by line. Returns the repetitions committed, as "CELL REPETITION".
  @discardableResult
  static func expectValid(_ folder: String, _ comment: String) throws -> Set<String> {
    let meta = try RunFiles.meta(folder)
    #expect(meta["schema_version"] as? Int == 11, "\(comment)")
    var committed: [String] = []
    var zones: [String: Int] = [:]
    let headers = [
      "runs.csv": RunRecord.columns.map(\.name), "zones.csv": ZoneRecord.columns.map(\.name),
      "lock_holds.csv": HoldBucketRecord.columns.map(\.name), "cells.csv": CellRecord.columns.map(\.name),
    ]
    for (name, header) in headers where FileManager.default.fileExists(atPath: folder + "/" + name) {
      guard let table = try RunFiles.table(folder + "/" + name) else { continue }
      #expect(table.header == header, "\(comment): \(name)")
      for (number, row) in table.rows.enumerated() {
        #expect(row.count == header.count, "\(comment): \(name):\(number + 2)")
      }
      if name == "runs.csv" { committed = table.keys }
      if name == "zones.csv" { for key in table.keys { zones[key, default: 0] += 1 } }
      if meta["finished"] != nil || name == "cells.csv" { #expect(table.tail.isEmpty, "\(comment): \(name)") }
    }
    #expect(Set(committed).count == committed.count, "\(comment): a repetition twice")
    if let runs = try? RunFiles.table(folder + "/runs.csv") {
      let kinds = zip(runs.column("experiment"), runs.column("outcome"))
      for (key, (count, (experiment, outcome))) in zip(runs.keys, zip(runs.column("zones"), kinds)) {
        // A strategy that can't be run on the guest leaves nothing but its row; by zone only a scan tells.
        if outcome == "error" || experiment != "scan" { continue }
        #expect(zones[key] == Int(count), "\(comment): \(key) is committed without its zones")
      }
    }
    return Set(committed)
  }
}
