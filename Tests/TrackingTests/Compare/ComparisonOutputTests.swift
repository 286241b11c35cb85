import Bench
import Foundation
import FoundationXML
import Testing

@testable import Tracking

/// What people and programs get to read.
@Suite struct ComparisonOutputTests {
  private typealias Fixtures = CompareFixtures

  /// A cell of every kind, under names that are markup everywhere.
  private static func comparison(_ name: String = "a|b <i>&\"é\u{1}\"</i>") throws -> Comparison {
    func cells(_ factor: Double) -> [Fixtures.Cell] {
      [
        .init(id: "1", cpu: Fixtures.values(times: factor)),
        .init(id: "2", bytes: 16 << 30, cpu: Fixtures.values(from: factor == 1 ? 0 : 1)),
        .init(id: "3", bytes: 32 << 30, cpu: Fixtures.values(3)),
        .init(id: "4", strategy: "none", cpu: Fixtures.values()),
        .init(id: "5", state: "x|<&>\u{2}", cpu: factor == 1 ? Fixtures.values() : [nil]),
        .init(id: factor == 1 ? "6" : "7", bytes: 64 << 30, cpu: Fixtures.values()),
      ]
    }
    return try Comparison(
      base: [Fixtures.run(name, cells(1))], new: [Fixtures.run("new", cells(1.3))], thresholds: Thresholds())
  }

  @Test func theTableHasARowForEachCellAndSaysItAll() throws {
    let text = ComparisonTable(try Self.comparison("base")).text
    let lines = text.split(separator: "\n").map(String.init)
    let rule = try #require(lines.firstIndex { $0.hasPrefix("---") })
    let rows = lines[(rule + 1)...].prefix { $0.hasPrefix("step-iterator") || $0.hasPrefix("none") }
    #expect(rows.count == 5, "\(text)")
    for words in [
      "worse", "same", "not-enough-data (too few)", "(control)", "(measured only in base)",
      "Only in base: step-iterator 64 GiB fresh", "Only in new: step-iterator 64 GiB fresh", "Holm-corrected",
      "1 worse, 1 same, 1 not-enough-data of 3; 1 cell only in base; 1 cell only in new; 1 row not comparable",
    ] {
      #expect(text.replacing("\n", with: " ").contains(words), "\(words) in\n\(text)")
    }
    #expect(rows.first?.contains("+30.2 %") == true || rows.first?.contains("+30.") == true, "\(text)")
    let all = ComparisonTable(try Self.comparison("base"), all: true).text
    #expect(all.count >= text.count)
  }

  @Test func theMarkdownIsOneTable() throws {
    let comparison = try Self.comparison()
    let text = ComparisonMarkdown(comparison).text
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines[0].hasPrefix("**1 worse"), "\(text)")
    let table = lines.filter { $0.hasPrefix("| ") }
    #expect(table.count == 2 + comparison.rows.count { $0.isAsked }, "\(text)")
    // As many columns in each: no name has opened one.
    let columns = table.map { line in line.replacing("\\|", with: "").count { $0 == "|" } }
    #expect(Set(columns).count == 1, "\(text)")
    #expect(text.contains("x\\|&lt;&amp;&gt;") && text.contains("a\\|b &lt;i&gt;"), "\(text)")
    #expect(!text.contains("<i>") && text.contains("é"))
  }

  @Test func theJUnitFileIsXMLWithACaseForEachRow() throws {
    let comparison = try Self.comparison()
    let text = try ComparisonJUnit(comparison).text
    let reader = JUnitReader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    #expect(parser.parse(), "\(String(describing: parser.parserError))\n\(text)")
    #expect(reader.suite["tests"] == "7" && reader.suite["failures"] == "1", "\(text)")
    #expect(reader.suite["errors"] == "3" && reader.suite["skipped"] == "2", "\(text)")
    #expect(reader.suite["name"]?.contains("a|b <i>&\"é\u{FFFD}\"</i>") == true, "\(text)")
    #expect(reader.results == ["failure", "passed", "skipped", "skipped", "error", "error", "error"], "\(text)")
    #expect(reader.names[4].contains("x|<&>\u{FFFD}"), "\(text)")
  }

  private final class JUnitReader: NSObject, XMLParserDelegate {
    var suite: [String: String] = [:]
    var names: [String] = []
    var results: [String] = []

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String] = [:]
    ) {
      switch name {
      case "testsuite": suite = attributes
      case "testcase":
        names.append(attributes["name"] ?? "")
        results.append("passed")
      case "failure", "error", "skipped": results[results.count - 1] = name
      default: break
      }
    }
  }

  @Test func theJSONSaysWhatTheRowsSay() throws {
    let comparison = try Self.comparison()
    let data = try JSONEncoder().encode(comparison)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let rows = try #require(object["rows"] as? [[String: Any]])
    #expect(rows.count == comparison.rows.count && object["exit_status"] as? Int == 2)
    let asked = rows.filter { $0["verdict"] != nil }
    #expect(asked.map { $0["verdict"] as? String } == ["worse", "same", "not-enough-data"])
    #expect(asked[0]["cell_id"] as? String == "1" && asked[0]["better"] as? String == "lower")
    #expect((asked[0]["p_corrected"] as? Double ?? 1) <= 0.01)
    #expect(isNear(asked[0]["change"] as? Double, 0.3, 0.01))
    #expect((object["counts"] as? [String: Int])?["worse"] == 1)
    #expect((object["only_in_new"] as? [String])?.count == 1)
    #expect((object["thresholds"] as? [String: Any])?["alpha"] as? Double == 0.01)
  }
}
