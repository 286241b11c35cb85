import Experiments
import Foundation
import Hinting
import Records
import Testing

/// README.md and docs/ say what the code says, and are whole.
@Suite struct ReadmeTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// What stands between `<!-- name -->` and `<!-- /name -->`.
  private static func section(_ name: String, of text: String) throws -> String {
    let begin = try #require(text.range(of: "<!-- \(name) -->\n"))
    let end = try #require(text.range(of: "\n<!-- /\(name) -->"))
    return begin.upperBound < end.lowerBound ? String(text[begin.upperBound..<end.lowerBound]) : ""
  }

  private static func row(_ fields: [String]) -> String { "| " + fields.joined(separator: " | ") + " |" }

  private static func options(_ card: ExperimentCard) -> String {
    let header = ["option", "accepted", "default", "meaning"]
    let rows = card.options.map { option in
      let condition = option.condition.map { "; only with \($0.option)=\($0.values.joined(separator: "/"))" } ?? ""
      return row([
        "`\(option.name)`", option.range.replacing("|", with: ", "), option.defaultValue, option.meaning + condition,
      ])
    }
    return ([row(header), row(header.map { _ in "---" })] + rows).joined(separator: "\n")
  }

  @Test(arguments: Experiments.all.map(\.name)) func theOptionsOfExperimentsAreThoseOfTheCards(name: String) throws {
    let card = try #require(Experiments.all.first { $0.name == name })
    let table = Self.options(card)
    let found = try Self.section("options \(name)", of: Self.text("docs/experiments.md"))
    #expect(found == table, "docs/experiments.md should have:\n\(table)")
  }

  private static func table() -> String {
    let header = ["strategy", "from", "serves", "one hold looks at", "side effects on the allocator", "limits"]
    let rows = Strategies.all.map(\.card).map { card in
      row([
        "`\(card.name)`", card.origin, Catalogue.all.goals(of: card).text, card.holdBound, card.sideEffects,
        card.limits,
      ])
    }
    return ([row(header), row(header.map { _ in "---" })] + rows).joined(separator: "\n")
  }

  @Test func theTableOfStrategiesIsThatOfTheCards() throws {
    let found = try Self.section("strategies", of: Self.text("docs/strategies.md"))
    #expect(found == Self.table(), "docs/strategies.md should have:\n\(Self.table())")
  }

  /// And what each serves, as it is found.
  @Test func readmeNamesEveryStrategy() throws {
    let readme = try Self.text("README.md").split(separator: "\n")
    for card in Strategies.all.map(\.card) {
      let row = try #require(readme.first { $0.hasPrefix("| `\(card.name)` |") }, "README.md lacks \(card.name)")
      let fields = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      #expect(fields.count == 4 && fields[2] == Catalogue.all.goals(of: card).text, "\(row)")
    }
  }

  @Test func theSampleTableIsOneOfTheCommittedRun() throws {
    let sample = try Self.section("sample", of: Self.text("README.md"))
      .replacing("```\n", with: "").replacing("\n```", with: "")
    #expect(!sample.isEmpty)
    #expect(try Self.text("Reports/sample/table.txt").contains(sample))
  }

  @Test func readmeIsShort() throws {
    #expect(try Self.text("README.md").utf8.count <= 12_000)
  }

  @Test func linksLeadToFiles() throws {
    let docs = try FileManager.default.contentsOfDirectory(atPath: Self.root.appendingPathComponent("docs").path)
    let pages = ["README.md"] + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/" + $0 }
    #expect(pages.count > 1)
    for page in pages {
      let folder = Self.root.appendingPathComponent(page).deletingLastPathComponent()
      for link in try Self.text(page).matches(of: #/\]\(([^)#:]+)(#[^)]*)?\)/#) {
        let target = folder.appendingPathComponent(String(link.1)).path
        #expect(FileManager.default.fileExists(atPath: target), "\(page): \(link.1) is not there")
      }
    }
  }
}
