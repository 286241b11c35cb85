import Foundation
import Testing

/// Files given that can't be used: 65 with file and line, 74 where they can't be read; nothing written.
@Suite struct InputFileTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var text: String
    /// Where the message must point: the file's name and the line.
    var place: String
    var says: String
    var testDescription: String { name }
  }

  static let captures = [
    Case(name: "empty", text: "", place: "bad:1:", says: "the file is empty"),
    Case(name: "no row", text: "hello\nworld\n", place: "bad:1:", says: "no row of a zone"),
    Case(
      name: "a word for a count", text: Captures.debian.replacing("1495", with: "many"), place: "bad:3:", says: "'many'"
    ),
    Case(name: "a negative count", text: Captures.debian.replacing("1495", with: "-5"), place: "bad:3:", says: "'-5'"),
    Case(
      name: "a count too large", text: Captures.debian.replacing("1495", with: "99999999999999999999"), place: "bad:3:",
      says: "99999999999999999999"),
    Case(name: "cut short", text: String(Captures.debian.dropLast(20)), place: "bad:4:", says: "orders"),
    Case(
      name: "a zone twice", text: Captures.debian.replacing("Node 1", with: "Node 0"), place: "bad:4:",
      says: "already on line 3"),
    Case(name: "a line between", text: Captures.debian + "bye\n", place: "bad:5:", says: "'bye'"),
    Case(
      name: "a pagetypeinfo", text: "Page block order: 9\nPages per block:  512\n", place: "bad:1:",
      says: "pagetypeinfo"),
    Case(name: "no text", text: "\0\u{1}\u{2}\n", place: "bad:1:", says: "no row of a zone"),
  ]

  @Test(arguments: captures) func aMalformedCaptureIsRefusedWithItsLine(_ wrong: Case) throws {
    try expect65(wrong.text, ["--buddyinfo", "bad"], wrong)
  }

  @Test(arguments: [
    Case(name: "a buddyinfo", text: Captures.debian, place: "bad:1:", says: "unknown line"),
    Case(name: "empty", text: "", place: "bad:1:", says: "no zone"),
    Case(
      name: "cut short",
      text: "zone node=0 name=Normal start=0 spanned=2048 managed=2048 min=1 low=2 high=3 boost=0 highatomic=0 "
        + "nr_free_pages=1024\n", place: "bad:1:", says: "0 orders"),
  ])
  func malformedListsAreRefusedWithTheirLine(_ wrong: Case) throws {
    try expect65(wrong.text, ["--lists", "bad"], wrong)
  }

  @Test func aMalformedCompanionIsRefusedWithItsLine() throws {
    try Tool.withFolder { folder in
      try Folder.write(Captures.debian, to: folder + "/good")
      try Folder.write("Node 0, zone DMA\n  pages free x\n", to: folder + "/bad")
      for option in ["--pagetypeinfo", "--zoneinfo"] {
        let result = try Tool.run(["run", "--buddyinfo", "good", option, "bad"], in: folder)
        #expect(result.status == 65, "\(result)")
        #expect(result.complaints.count == 1 && result.err.contains("bad:"), "\(result)")
        #expect(Folder.names(folder) == ["bad", "good"])
      }
    }
  }

  static let configs = [
    Case(name: "empty", text: "", place: "bad", says: "JSON"),
    Case(name: "cut short", text: "{\n \"groups\": [\n", place: "bad:3:", says: "JSON"),
    Case(
      name: "a comma too many", text: "{\n \"repetitions\": 3,\n \"seed\": 1,,\n \"cache\": \"warm\"\n}",
      place: "bad:3:",
      says: "JSON"),
    Case(name: "an array", text: "[]", place: "bad", says: "expected"),
    Case(name: "no UTF-8", text: "\0\0\0", place: "bad", says: "JSON"),
    Case(
      name: "an unknown key", text: "{\n \"groups\": [],\n \"repetition\": 3\n}", place: "bad:3:",
      says: "unknown key 'repetition'"),
    Case(
      name: "an unknown key of a group",
      text: "{\n \"groups\": [\n  {\"guests\": [\"128M\"]},\n  {\"guests\": [\"128M\"],\n   \"stats\": []}\n ]\n}",
      place: "bad:5:", says: "unknown key 'stats'"),
    Case(
      name: "a word for a list", text: "{\n \"groups\": [{\n  \"guests\": \"128M\"}]}", place: "bad:3:", says: "guests"),
    Case(name: "a fraction", text: "{\"repetitions\": 1.5}", place: "bad:1:", says: "repetitions"),
    Case(name: "a negative seed", text: "{\n \"seed\": -3}", place: "bad:2:", says: "seed"),
    Case(name: "no groups", text: "{\n \"groups\": []\n}", place: "bad", says: "empty"),
    Case(
      name: "an unknown strategy",
      text: "{\"groups\": [{\"guests\": [\"128M\"], \"states\": [\"fresh\"], \"strategies\": [\"nope\"]}]}",
      place: "bad",
      says: "unknown strategy 'nope'"),
    Case(
      name: "an absurd number",
      text: "{\"repetitions\": 0, \"groups\": [{\"guests\": [\"128M\"], \"states\": [\"fresh\"]}]}", place: "bad",
      says: "invalid repetition count 0"),
  ]

  @Test(arguments: configs) func aMalformedConfigIsRefusedWithItsPlace(_ wrong: Case) throws {
    try expect65(wrong.text, ["--config", "bad"], wrong)
  }

  private func expect65(_ text: String, _ arguments: [String], _ wrong: Case) throws {
    try Tool.withFolder { folder in
      try Folder.write(text, to: folder + "/bad")
      for rest in [[], ["--out", "made"]] {
        let result = try Tool.run(["run"] + arguments + rest, in: folder)
        #expect(result.status == 65, "\(result)")
        #expect(result.out.isEmpty)
        #expect(result.complaints.count == 1, "\(result)")
        #expect(result.err.contains(wrong.place), "'\(wrong.place)' in \(result)")
        #expect(result.err.contains(wrong.says), "'\(wrong.says)' in \(result)")
        #expect(Folder.names(folder) == ["bad"], "\(result)")
      }
    }
  }

  @Test func aFlagThatIsWrongBesideAGoodConfigIsBadUsage() throws {
    try Tool.withFolder { folder in
      try Folder.write(
        "{\"groups\": [{\"guests\": [\"128M\"], \"states\": [\"fresh\"], \"strategies\": [\"none\"]}]}",
        to: folder + "/config")
      #expect(try Tool.run("run --config config --repetitions 0", in: folder).status == 64)
      #expect(try Tool.run("run --config config --dry-run", in: folder).status == 0)
    }
  }

  @Test(arguments: ["nowhere", "nowhere/deep", "folder", "file/below"])
  func aFileThatCannotBeReadIsAnIOError(_ path: String) throws {
    try Tool.withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/folder", withIntermediateDirectories: false)
      try Folder.write(Captures.debian, to: folder + "/file")
      for arguments in [
        ["--buddyinfo", path], ["--buddyinfo", "file", "--zoneinfo", path],
        ["--buddyinfo", "file", "--pagetypeinfo", path], ["--lists", path],
        ["--config", path],
      ] {
        let result = try Tool.run(["run"] + arguments, in: folder)
        #expect(result.status == 74, "\(result)")
        #expect(result.complaints.count == 1, "\(result)")
        #expect(result.err.contains(path) && result.err.contains("expected"), "\(result)")
        #expect(Folder.names(folder) == ["file", "folder"])
      }
    }
  }
}
