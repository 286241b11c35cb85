import Foundation
import Hinting
import Testing

/// What README.md says of the designs is what their cards say.
@Suite struct ReadmeTests {
  private static func table() -> String {
    func row(_ fields: [String]) -> String { "| " + fields.joined(separator: " | ") + " |" }
    let header = ["design", "from", "serves", "one hold looks at", "side effects on the allocator", "limits"]
    let rows = Strategies.all.map(\.card).map { card in
      row(["`\(card.name)`", card.origin, card.goal.rawValue, card.holdBound, card.sideEffects, card.limits])
    }
    return ([row(header), row(header.map { _ in "---" })] + rows).joined(separator: "\n")
  }

  @Test func theTableOfStrategiesIsThatOfTheCards() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    let begin = try #require(text.range(of: "<!-- strategies -->\n"))
    let end = try #require(text.range(of: "\n<!-- /strategies -->"))
    let found = begin.upperBound < end.lowerBound ? String(text[begin.upperBound..<end.lowerBound]) : ""
    #expect(found == Self.table(), "README.md should have:\n\(Self.table())")
  }
}
