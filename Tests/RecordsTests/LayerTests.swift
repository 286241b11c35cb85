import Foundation
import TestSupport
import Testing

/// Dependencies point downward only: what each target under Sources imports, held against the order of the layers.
@Suite struct LayerTests {
  /// From the bottom up. A target imports what lies in the layers below its own.
  private static let layers = [
    ["Records", "CHost", "CNuma", "CSQLite", "CPAPI"],
    ["Machine"],
    ["Instruments"],
    ["GuestMemory"],
    ["Delivery"],
    ["Hinting", "Migration", "PageStates", "Ballooning"],
    ["Bench"],
    ["Experiments", "LinuxGuest"],
    ["Reporting"],
    ["Diagnosis", "Tracking"],
    ["hintbench"],
  ]
  /// Targets that may import less than what lies below them: what shows and keeps results knows no guest.
  private static let narrower = [
    "Reporting": ["Records", "Machine"], "Tracking": ["Records", "Machine", "Reporting", "CSQLite"],
  ]

  /// C of another program, which Swift doesn't compile.
  private static let noTargets = ["KernelProbe"]

  private static let targets = layers.flatMap { $0 }
  private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Sources").path

  // MARK: the check

  /// What a target may import of the others.
  private static func allowed(in target: String) -> [String] {
    narrower[target] ?? layers.prefix { !$0.contains(target) }.flatMap { $0 }
  }

  /// The modules that a file imports, whatever stands before or behind the word.
  private static func imports(_ text: String) -> [String] {
    text.split(whereSeparator: { $0.isNewline || $0 == ";" }).compactMap { line in
      guard line.contains("import") else { return nil }
      return line.firstMatch(
        of:
          #/^\s*(?:@\w+(?:\(\w+\))?\s+)*(?:\w+\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)/#
      ).map { String($0.1) }
    }
  }

  private static func folders(_ sources: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: sources)
      .filter { !$0.hasPrefix(".") && !noTargets.contains($0) }.sorted()
  }

  /// What is wrong with a folder of targets, a line each.
  private static func offences(_ sources: String) throws -> [String] {
    let folders = try self.folders(sources)
    var offences = folders.filter { !targets.contains($0) }.map { "\($0) is in no layer" }
    for target in folders {
      let allowed = allowed(in: target)
      for file in try FileManager.default.subpathsOfDirectory(atPath: "\(sources)/\(target)").sorted()
      where file.hasSuffix(".swift") {
        let text = try String(contentsOfFile: "\(sources)/\(target)/\(file)", encoding: .utf8)
        for module in imports(text) where targets.contains(module) && !allowed.contains(module) {
          offences.append("\(target)/\(file) imports \(module)")
        }
      }
    }
    return offences
  }

  // MARK: this repository

  @Test func noTargetImportsUpwards() throws {
    #expect(try Self.offences(Self.sources).isEmpty)
    let folders = try Self.folders(Self.sources)
    #expect(Set(folders) == Set(Self.targets), "every layer's targets are there")
    #expect(Self.targets.count == Set(Self.targets).count)
  }

  @Test func reportsAreMadeWithoutTheGuest() {
    for target in ["Reporting", "Tracking"] {
      for guest in ["GuestMemory", "Instruments", "Hinting", "Bench", "Experiments", "Diagnosis"] {
        #expect(!Self.allowed(in: target).contains(guest), "\(target): \(guest)")
      }
    }
    #expect(
      Set(Self.allowed(in: "Diagnosis")) == Set(Self.targets).subtracting(["Diagnosis", "Tracking", "hintbench"]))
    #expect(Set(Self.allowed(in: "hintbench")) == Set(Self.targets).subtracting(["hintbench"]))
  }

  // MARK: that it can fail

  @Test(arguments: [
    "import Experiments", "@testable import Experiments", "public import Experiments",
    "  @_spi(Testing) import Experiments", "import struct Experiments.Cell", "import Foundation; import Experiments",
    "import Foundation\r\nimport Experiments // why", "@preconcurrency\timport enum Experiments.Experiments",
  ])
  func anImportUpwardsIsFound(text: String) throws {
    let tree = try FakeTree([
      "/Bench/Matrix/Made.swift": "import Hinting\n\(text)\n", "/Experiments/Fine.swift": "import Bench\n",
    ])
    #expect(try Self.offences(tree.path) == ["Bench/Matrix/Made.swift imports Experiments"])
  }

  @Test(arguments: [
    ("Records", "Machine"), ("Records", "CHost"), ("Machine", "Instruments"), ("Hinting", "Migration"),
    ("Delivery", "Hinting"), ("Bench", "hintbench"), ("Reporting", "Instruments"), ("Tracking", "Experiments"),
    ("Diagnosis", "Tracking"), ("Tracking", "Diagnosis"), ("Bench", "Bench"),
  ])
  func neitherSidewaysNorPastAFloor(target: String, module: String) throws {
    let tree = try FakeTree(["/\(target)/Made.swift": "import \(module)\n"])
    #expect(try Self.offences(tree.path) == ["\(target)/Made.swift imports \(module)"])
  }

  @Test(arguments: [
    "// import Experiments", "/// import Experiments", "let text = \"import Experiments\"", "importExperiments()",
    "import ExperimentsOfOthers", "import Foundation", "",
  ])
  func whatIsNoImportIsNone(text: String) throws {
    let tree = try FakeTree(["/Bench/Made.swift": "\(text)\n"])
    #expect(try Self.offences(tree.path).isEmpty)
  }

  @Test func aNewFolderHasToGetALayer() throws {
    let tree = try FakeTree(["/Novelty/New.swift": "import Foundation\n"])
    #expect(try Self.offences(tree.path) == ["Novelty is in no layer"])
  }
}
