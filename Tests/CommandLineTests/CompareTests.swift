import Foundation
import FoundationXML
import Testing

/// `hintbench compare` on run folders: what this program wrote, with times put in that are known.
@Suite struct CompareTests {
  /// The files of one run: two strategies and the control, 8 repetitions.
  private static let made: [String: Data]? = try? Tool.withFolder { folder in
    let words =
      "run --guest 128M --state fresh --strategy none,step-iterator,walk-callback --repetitions 8 --cache warm "
      + "--counters off"
    let result = try Tool.run(words.split(separator: " ").map(String.init) + ["--out", "run"], in: folder)
    guard result.status == 0 else { return [:] }
    return Folder.contents(folder + "/run")
  }

  /// Writes that run with longest holds of about 10 µs and CPU times of about 1 ms times `factor`, all different, only of
  /// the named strategies where some are named, else of all but the allocator, and `repetitions` of each cell.
  private static func write(
    _ path: String, times factor: Double = 1, repetitions: Int = 8, only: [String] = [], from offset: Double = 0
  ) throws {
    let files = try #require(made)
    try #require(files["runs.csv"] != nil)
    func isWritten(_ design: String) -> Bool { only.isEmpty ? design != "allocator" : only.contains(design) }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, data) in files { try data.write(to: URL(fileURLWithPath: path + "/" + name)) }
    for name in ["runs.csv", "cells.csv"] {
      let table = try #require(try RunFiles.table(path + "/" + name))
      let designs = table.column("strategy").map { $0.split(separator: ":")[0] }
      var rows = table.rows
      if name == "runs.csv" {
        let cpu = try #require(table.header.firstIndex(of: "guest_cpu_ns"))
        let hold = try #require(table.header.firstIndex(of: "lock_hold_ns_max_undisturbed"))
        for (index, text) in table.column("repetition").enumerated() {
          let repetition = try #require(Double(text))
          rows[index][cpu] = "\(1e6 * factor * (1 + 0.001 * repetition + offset))"
          // Holds that didn't change.
          if !rows[index][hold].isEmpty { rows[index][hold] = "\(1e4 * (1 + 0.001 * repetition + offset))" }
        }
        let kept = zip(rows, table.column("repetition")).map { Int($1).map { $0 < repetitions } == true ? $0 : nil }
        rows = zip(kept, designs).compactMap { isWritten(String($1)) ? $0 : nil }
      } else {
        rows = zip(rows, designs).compactMap { isWritten(String($1)) ? $0 : nil }
      }
      func quoted(_ field: String) -> String {
        field.isEmpty ? "" : "\"" + field.replacing("\"", with: "\"\"") + "\""
      }
      func line(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") }
      try Folder.write(([table.header] + rows).map(line).joined(separator: "\n") + "\n", to: path + "/" + name)
    }
  }

  @Test(arguments: [
    (1.0, "", Int32(0)), (1.2, "", 2), (0.8, "", 0), (0.8, "--strict", 4), (1, "--strict", 0), (1.03, "", 0),
    (1.03, "--min-effect 2", 2), (1.03, "--min-effect 2%", 2), (1.2, "--min-effect 30%", 0),
    (1.2, "--alpha 0.0001", 3), (1.2, "--thresholds thresholds.json", 0),
  ])
  func theExitStatusSaysWhatHappened(_ factor: Double, _ flags: String, _ status: Int32) throws {
    try Tool.withFolder { folder in
      try Self.write(folder + "/base")
      try Self.write(folder + "/new", times: factor, from: 1e-5)
      try Folder.write("{\"metrics\": {\"guest_cpu_ns\": 0.4}}", to: folder + "/thresholds.json")
      let result = try Tool.run("compare base new " + flags, in: folder)
      #expect(result.status == status, "\(result)")
      #expect(result.complaints.isEmpty, "\(result)")
      #expect(
        result.outLines.count { $0.hasPrefix("step-iterator ") || $0.hasPrefix("walk-callback ") } >= 2, "\(result)")
      #expect(result.out.contains("(control)"), "\(result)")
      #expect(result.outLines.last?.contains(" of 4") == true, "\(result)")
    }
  }

  @Test func aRunIsTheSameAsItself() throws {
    try Tool.withFolder { folder in
      try Self.write(folder + "/run")
      let result = try Tool.run("compare run run --all", in: folder)
      #expect(result.status == 0 && result.out.contains("4 same of 4"), "\(result)")
      #expect(result.out.contains("lock_hold_ns_p99") && result.out.contains(" raw"), "\(result)")
    }
  }

  @Test func cellsThatOneSideLacksAreNamed() throws {
    try Tool.withFolder { folder in
      try Self.write(folder + "/base")
      try Self.write(folder + "/new", only: ["none", "step-iterator"])
      let result = try Tool.run("compare base new", in: folder)
      #expect(result.status == 3 && result.out.contains("Only in base: walk-callback"), "\(result)")
      let other = try Tool.run("compare new base", in: folder)
      #expect(other.status == 3 && other.out.contains("Only in new: walk-callback"), "\(other)")
      try Self.write(folder + "/worse", times: 1.5, only: ["step-iterator"])
      #expect(try Tool.run("compare base worse", in: folder).status == 2)
    }
  }

  @Test func tooFewRepetitionsAreNotEnough() throws {
    try Tool.withFolder { folder in
      try Self.write(folder + "/base", repetitions: 3)
      try Self.write(folder + "/new", times: 2, repetitions: 3)
      let result = try Tool.run("compare base new", in: folder)
      #expect(result.status == 3 && result.out.contains("not-enough-data (too few)"), "\(result)")
      #expect(result.out.contains("6 per side would be enough"), "\(result)")
    }
  }

  /// A folder of runs is a side of launches; in the order of their names.
  @Test func aFolderOfRunsIsASide() throws {
    try Tool.withFolder { folder in
      for launch in 0..<8 {
        try Self.write(folder + "/base/\(launch)", repetitions: 2, from: 1e-4 * Double(launch))
        try Self.write(folder + "/new/\(launch)", times: 1.3, repetitions: 2, from: 1e-4 * Double(launch))
      }
      let result = try Tool.run("compare base new", in: folder)
      #expect(result.status == 2 && result.out.contains("8 against 8 launches, two and two"), "\(result)")
    }
  }

  @Test func twoDesignsOfOneRun() throws {
    try Tool.withFolder { folder in
      try Self.write(folder + "/run")
      let words = "compare run --base-strategy walk-callback --new-strategy step-iterator --metric guest_cpu_ns"
      let result = try Tool.run(words, in: folder)
      #expect(result.status == 0 && result.out.contains("8 pairs"), "\(result)")
      let same = try Tool.run("compare run --base-strategy nope --new-strategy none", in: folder)
      #expect(same.status == 64 && same.complaints.count == 1 && same.err.contains("step-iterator"), "\(same)")
    }
  }

  @Test func everyFormIsWrittenAndPrinted() throws {
    try Tool.withFolder { folder in
      try Self.write(folder + "/base")
      try Self.write(folder + "/new", times: 1.2)
      let words = "compare base new --markdown m.md --json j.json --junit u.xml"
      let result = try Tool.run(words, in: folder)
      #expect(result.status == 2 && result.out.contains("2 worse, 2 same of 4"), "\(result)")
      for (format, file) in [("markdown", "m.md"), ("json", "j.json"), ("junit", "u.xml")] {
        let printed = try Tool.run("compare base new --format " + format, in: folder)
        #expect(printed.status == 2)
        #expect(try String(contentsOfFile: folder + "/" + file, encoding: .utf8) == printed.out, "\(format)")
      }
      let xml = XMLParser(data: try Data(contentsOf: URL(fileURLWithPath: folder + "/u.xml")))
      #expect(xml.parse())
      let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder + "/j.json")))
      #expect((json as? [String: Any])?["exit_status"] as? Int == 2)
      // What is there is left alone.
      let again = try Tool.run("compare base new --json j.json", in: folder)
      #expect(again.status == 64 && again.out.isEmpty && again.complaints.count == 1, "\(again)")
      #expect(try Tool.run("compare base new --junit none/u.xml", in: folder).status == 74)
    }
  }

  @Test(arguments: [
    ("compare run", 64, "compare BASE NEW"), ("compare run run --base-strategy none", 64, "compare BASE NEW"),
    ("compare run --base-strategy none", 64, "compare BASE NEW"),
    ("compare run run --metric nope", 64, "unknown metric 'nope'"),
    ("compare run run --metric guest_cpu_ns,", 64, "unknown metric ''"),
    ("compare run run --alpha 0", 64, "--alpha"), ("compare run run --alpha 0.6", 64, "--alpha"),
    ("compare run run --alpha nan", 64, "--alpha"), ("compare run run --min-effect x", 64, "'x'"),
    ("compare run run --min-effect -1", 64, "'-1'"), ("compare run nowhere", 65, "nowhere/meta.json"),
    ("compare empty run", 65, "empty/meta.json"), ("compare run run --thresholds bad", 65, "bad:2: "),
    ("compare run run --thresholds nowhere", 74, "nowhere"),
  ])
  func whatItDoesNotTakeIsRefusedInOneLine(_ words: String, _ status: Int32, _ says: String) throws {
    try Tool.withFolder { folder in
      try Self.write(folder + "/run")
      try FileManager.default.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: true)
      try Folder.write("{\n\"alhpa\": 1}", to: folder + "/bad")
      let before = Folder.contents(folder)
      let result = try Tool.run(words, in: folder)
      #expect(result.status == status, "\(result)")
      #expect(result.out.isEmpty && result.complaints.count == 1 && result.err.contains(says), "\(result)")
      #expect(Folder.contents(folder) == before)
    }
  }

  @Test func theParserRefusesTheRest() throws {
    try Tool.withFolder { folder in
      for words in ["compare", "compare a b c", "compare a b --format html", "compare a b --alpha x"] {
        let result = try Tool.run(words, in: folder)
        #expect(result.status == 64 && result.out.isEmpty && result.err.hasPrefix("Error: "), "\(result)")
      }
    }
  }
}
