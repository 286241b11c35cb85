import Experiments
import Foundation
import Glibc
import Records
import SwiftCSV
import TestSupport
import Testing

@testable import Reporting

@Suite("CSV")
struct CSVTests {
  @Test("fields are quoted where they must be")
  func quoting() {
    func line(_ fields: [String?]) -> String { String(decoding: CSVWriter.line(fields), as: UTF8.self) }
    #expect(line(["a", nil, "", "1.5"]) == "a,,,1.5\n")
    #expect(line(["a b", " a", "a "]) == "a b,\" a\",\"a \"\n")
    #expect(line(["a,b", "a\"b", "a\nb", "a\rb"]) == "\"a,b\",\"a\"\"b\",\"a\nb\",\"a\rb\"\n")
  }

  @Test("any text comes back as it was written")
  func roundTrip() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var generator = SplitMix64(seed: seed)
    // What readers trip over: quotes, separators, line ends of all kinds, white space, marks that join the character
    // before them, and what fills the space between.
    let pieces = [
      "a", "Z", "0", ".", "-", ",", ";", "\"", "\"\"", "\n", "\r", "\r\n", "\t", " ", "\u{0B}", "\u{85}", "\u{2028}",
      "\u{A0}", "\u{301}", "\u{FEFF}", "é", "µ", "日", "👩‍👩‍👧", "\u{E0FF}", "\u{1F1E9}",
    ]
    for _ in 0..<300 {
      let width = Int.random(in: 2...6, using: &generator)
      let rows = (0..<Int.random(in: 0...8, using: &generator)).map { _ in
        (0..<width).map { _ in
          (0..<Int.random(in: 0...5, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }.joined()
        }
      }
      let header = (0..<width).map { "column\($0)" }
      let bytes = CSVWriter.line(header) + rows.flatMap { CSVWriter.line($0) }
      let table = try CSVTable(bytes: bytes, path: "x.csv")
      #expect(table.header == header, "seed \(seed)")
      #expect(!table.isTorn, "seed \(seed)")
      #expect(
        table.rows.map { $0.fields.map { Array($0.utf8) } } == rows.map { $0.map { Array($0.utf8) } }, "seed \(seed)")
      #expect(table.bytes == bytes, "seed \(seed)")
    }
  }

  @Test("plain text and quotes come back through SwiftCSV as it is")
  func throughTheLibrary() throws {
    let rows = [["a", "b,c", "d\"e"], ["", " x ", "line\nline"], ["1", "2.5", "µ"]]
    let text = String(decoding: rows.flatMap { CSVWriter.line($0) }, as: UTF8.self)
    let csv = try EnumeratedCSV(string: "x,y,z\n" + text, delimiter: .comma)
    #expect(csv.rows == rows)
  }

  @Test("a line that isn't whole is left out at every length, and no other")
  func tornAnywhere() throws {
    let lines = [["a", "b"], ["1", "x\n\"y\",z"], ["2", ""], ["3", "é"]].map { CSVWriter.line($0) }
    let bytes = lines.flatMap { $0 }
    for length in 0...bytes.count {
      let table = try CSVTable(bytes: Array(bytes[..<length]), path: "x.csv")
      var whole = 0
      var end = 0
      while whole < lines.count && end + lines[whole].count <= length {
        end += lines[whole].count
        whole += 1
      }
      #expect(table.rows.count == max(0, whole - 1))
      #expect(table.isTorn == (end < length))
      #expect(table.header.isEmpty == (whole == 0))
    }
  }

  @Test("a malformed line is told by file and line")
  func malformed() {
    func error(_ text: String) -> UserError? {
      #expect(throws: UserError.self) { try CSVTable(bytes: Array(text.utf8), path: "f.csv") }
    }
    let short = error("a,b\n1,\"x\ny\"\n1\n")
    #expect(short?.line == 4 && short?.exitStatus == 65 && short?.path == "f.csv")
    #expect(short?.description == "f.csv:4: 1 fields; expected 2 as in the header")
    #expect(error("a,b\n1,2,3\n")?.line == 2)
    #expect(error("a,b\n1,2\n3,\"x\"y\n\"\n")?.line == 3)
    // A quote that is never closed is no torn line, whose length is limited: nothing may be dropped for it.
    let open = error("a,b\n1,2\n3,\"x\n" + String(repeating: "1,2\n", count: 20_000))
    #expect(open?.line == 3)
  }

  @Test("a byte order mark and DOS line ends are read")
  func otherForms() throws {
    let table = try CSVTable(bytes: Array("\u{FEFF}a,b\r\n1,2\r\n".utf8), path: "f.csv")
    #expect(table.header == ["a", "b"])
    #expect(table.rows.map(\.fields) == [["1", "2"]])
  }

  @Test("a full disk is a typed error")
  func fullDisk() throws {
    let writer = try CSVWriter(appendingTo: "/dev/full")
    let error = #expect(throws: UserError.self) { try writer.append([["a", "b"]]) }
    #expect(error?.kind == .io && error?.errno == ENOSPC && error?.exitStatus == 74)
    #expect(error?.path == "/dev/full")
    #expect(error?.description.contains("No space left on device; free some space") == true)
  }

  @Test("a write that comes up short leaves nothing behind and is a typed error")
  func shortWrite() async {
    await #expect(processExitsWith: .success) {
      try RunFixtures.withFolder { folder in
        let file = folder + "/a.csv"
        let writer = try CSVWriter(creating: file, header: ["a", "b"])
        try writer.append([["1", "2"]])
        // From here on a file may have ten bytes: of the next line the first two fit.
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(3) }
        limit.rlim_cur = 10
        guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(4) }
        do throws(UserError) {
          try writer.append([["3", "4"]])
          exit(5)
        } catch {
          guard error.errno == EFBIG, error.exitStatus == 74 else { exit(6) }
        }
        guard try RunFixtures.text(file) == "a,b\n1,2\n" else { exit(7) }
      }
      exit(0)
    }
  }

  @Test("a file that is there isn't made anew")
  func existing() throws {
    try RunFixtures.withFolder { folder in
      let file = folder + "/a.csv"
      try RunFixtures.write("x\n".utf8, to: file)
      let error = #expect(throws: UserError.self) { try CSVWriter(creating: file, header: ["a"]) }
      #expect(error?.errno == EEXIST)
      #expect(try RunFixtures.text(file) == "x\n")
    }
  }
}
