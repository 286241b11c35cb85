import Diagnosis
import Experiments
import Foundation
import Instruments
import Machine
import Records
import TestSupport
import Testing

@testable import Reporting

@Suite("The table of a calibration")
struct CalibrationTableTests {
  private static func load(_ name: String, _ span: UInt64, _ apart: UInt64, _ order: Primitive.Order) -> Primitive {
    Primitive(name, "a load", per: "load").with {
      $0.spanBytes = span
      $0.apartBytes = apart
      $0.order = order
      $0.pageBytes = 4096
    }
  }

  private static let calibration = Calibration(
    commandLine: ["hintbench", "calibrate"], revision: nil, host: .gather(), isQuick: false,
    started: Date(timeIntervalSince1970: 1_700_000_000), durationNanoseconds: 12.34e9,
    rungs: [
      Rung(
        Primitive("lock-uncontended", "a zone lock", per: "acquisition").with { $0.lock = "queued" },
        .measured(RungFigure(costs: [8.77, 8.76, 10.9], operations: 20_000, note: "alone"))),
      Rung(
        Primitive("zeroing", "zeroing a block", per: "block").with { $0.operationBytes = 2 << 20 },
        .measured(RungFigure(costs: [131_072], operations: 8))),
      Rung(Primitive("lock-contended", "two at once", per: "acquisition"), .unavailable("one CPU")),
      Rung(load("dependent-load", 32 << 10, 64, .random), .measured(RungFigure(costs: [1.2], operations: 4096))),
      Rung(load("dependent-load", 1 << 20, 64, .random), .measured(RungFigure(costs: [3.4], operations: 4096))),
      Rung(load("dependent-load", 1 << 20, 65536, .random), .measured(RungFigure(costs: [5.6], operations: 4096))),
      Rung(load("dependent-load", 4 << 30, 64, .random), .unavailable("no room")),
      Rung(load("independent-load", 4 << 30, 64, .random), .unavailable("no room")),
    ])

  @Test("every figure, every reason once, and the machine")
  func table() {
    let text = CalibrationTable(Self.calibration).text
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines[0].contains("CPU"))
    #expect(lines[1] == "5 of 8 rungs measured in 12.3 s")
    func fields(_ start: String) -> [String]? {
      lines.first { $0.trimmingCharacters(in: .whitespaces).hasPrefix(start) }?.split(separator: " ").map(String.init)
    }
    #expect(
      fields("a zone lock, queued") == [
        "a", "zone", "lock,", "queued", "ns/acquisition", "8.77", "8.76–10.9", "3", "x", "20000", "alone",
      ])
    #expect(fields("zeroing a block, 2 MiB")?.suffix(2) == ["14.9", "GiB/s"])
    #expect(fields("32 KiB") == ["32", "KiB", "4", "KiB", "1.20", "(1.20–1.20)", "-"])
    #expect(fields("1 MiB") == ["1", "MiB", "4", "KiB", "3.40", "(3.40–3.40)", "5.60", "(5.60–5.60)"])
    #expect(!text.contains("independent"), "a table of which nothing was measured isn't shown")
    #expect(
      lines.suffix(3) == [
        "Not measured:", "  two at once: one CPU", "  loads over 4 GiB in 4 KiB pages, 64 B apart: no room",
      ])
  }

  @Test("the file is written whole, and only where there was none")
  func file() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/ladder.json"
      let file = try JSONFile(newAt: path)
      #expect(!FileAccess.exists(path))
      try file.write(Self.calibration)
      let read = try JSONDecoder.standard.decode(Calibration.self, from: Data(FileAccess.read(path)))
      #expect(read.rungs == Self.calibration.rungs)
      #expect(try FileAccess.names(in: folder) == ["ladder.json"])
      do {
        _ = try JSONFile(newAt: path)
        Issue.record("taken although there is one")
      } catch let error as UserError {
        #expect(error.kind == .usage && error.path == path)
      }
    }
  }

  @Test("what can't be written is an error of its own, and leaves nothing")
  func unwritable() throws {
    try withTemporaryFolder { folder in
      for path in [folder + "/none/ladder.json", "/proc/version/ladder.json"] {
        do {
          _ = try JSONFile(newAt: path)
          Issue.record("\(path) taken")
        } catch let error as UserError {
          #expect(error.kind == .io)
        }
      }
      // A number that JSON hasn't got.
      var broken = Self.calibration
      broken.durationNanoseconds = .nan
      let file = try JSONFile(newAt: folder + "/ladder.json")
      #expect(throws: UserError.self) { try file.write(broken) }
      #expect(try FileAccess.names(in: folder).isEmpty)
    }
  }
}
