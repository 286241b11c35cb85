import Records
import Testing

@testable import Hinting

/// Names and options as they are written. Taking `NAME:OPTION=VALUE` apart, with what is repeated or malformed, is the
/// matrix's.
@Suite struct StrategyEntryTests {
  @Test func namesAreUniqueAndFound() throws {
    let names = Strategies.all.map(\.card.name)
    #expect(Set(names).count == names.count)
    for name in names { #expect(try Strategies.entry(named: name).card.name == name) }
    #expect(throws: OptionError.unknownStrategy("nonsense", known: names)) {
      try Strategies.entry(named: "nonsense")
    }
  }

  @Test(arguments: Strategies.all.map(\.card.name))
  func defaultsAreInRangeAndTheFullNameGoesRound(_ name: String) throws {
    let entry = try Strategies.entry(named: name)
    let configured = try entry.configured()
    var parts = configured.fullName.split(separator: ":").map(String.init)
    #expect(parts.removeFirst() == name)
    #expect(parts.count == entry.card.options.count)
    let pairs = parts.map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
    let again = try entry.configured(Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) }))
    #expect(again.fullName == configured.fullName)
    #expect(again.options == configured.options)
  }

  @Test(arguments: Strategies.all.map(\.card.name))
  func everyOptionKnowsItsRange(_ name: String) throws {
    let entry = try Strategies.entry(named: name)
    for option in entry.card.options {
      #expect(option.canonical(option.defaultValue) == option.defaultValue, "\(name):\(option.name)")
      let (good, bad): ([String], [String]) =
        switch option.kind {
        case .integer(let range):
          (
            ["\(range.lowerBound)", "\(range.upperBound)"],
            [
              "\(range.lowerBound - 1)", "\(range.upperBound + 1)", "", " 1", "1.5", "0x10", "one",
              "99999999999999999999",
            ]
          )
        case .count(let range, _):
          (
            ["\(range.lowerBound)", "\(range.upperBound)", "auto"],
            ["\(range.lowerBound - 1)", "\(range.upperBound + 1)", ""]
          )
        case .size(let range):
          ([ByteSize(bytes: range.upperBound).exactText], ["\(range.upperBound + 1)", "0", "", "1X", "-1G"])
        case .time: (["1s"], ["0s", "", "1", "1x", "-1s"])
        case .choice(let choices): (choices, ["", "nonsense", choices[0] + " ", choices[0].uppercased()])
        }
      for value in good { #expect(try entry.configured([option.name: value]).options[option.name] == value) }
      for value in bad {
        #expect(
          throws: OptionError.badValue(
            owner: entry.card.owner, option: option.name, value: value, accepted: option.range)
        ) { try entry.configured([option.name: value]) }
      }
    }
    #expect(
      throws: OptionError.unknownOption(
        owner: entry.card.owner, option: "no-such", known: entry.card.options.map(\.name))
    ) { try entry.configured(["no-such": "1"]) }
  }

  @Test func oneValueHasOneSpelling() throws {
    let entry = try Strategies.entry(named: "budgeted-resume")
    for spelling in ["500", "+500", "0500"] {
      #expect(
        try entry.configured(["budget": spelling]).fullName == "budgeted-resume:budget=500:restarts=64:check=buddy")
    }
  }

  @Test func messagesNameWhatWouldBeAccepted() throws {
    let entry = try Strategies.entry(named: "step-iterator")
    let error = #expect(throws: OptionError.self) { try entry.configured(["step": "0"]) }
    #expect(error?.description.contains("1..4096") == true)
    let unknown = #expect(throws: OptionError.self) { try entry.configured(["steps": "1"]) }
    #expect(unknown?.description.contains("step, restarts") == true)
    let none = #expect(throws: OptionError.self) { try Strategies.entry(named: "none").configured(["x": "1"]) }
    #expect(none?.description.contains("it has none") == true)
  }

  @Test(arguments: Strategies.all.map(\.card.name))
  func theOrderInForceIsTheDesigns(_ name: String) throws {
    let configured = try Strategies.entry(named: name).configured()
    for highest in [3, 9, 10] {
      for wanted in 0...10 {
        let order = configured.order(wanted: wanted, highest: highest)
        switch configured.card.orders {
        case .any: #expect(order == min(wanted, highest))
        case .highestOnly: #expect(order == highest)
        }
      }
      #expect((0...highest).contains(configured.nativeOrder(highest: highest)))
    }
  }
}
