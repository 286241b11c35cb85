import Bench
import Experiments
import Foundation
import Hinting
import Records
import Testing

/// What is run if nobody says what.
@Suite struct StandardConfigTests {
  @Test func itSurvivesJSON() throws {
    for config in [try RunConfig.standard(), try .standard(quick: true), try .standard(Experiments.all.map(\.name))] {
      #expect(try JSONDecoder().decode(RunConfig.self, from: JSONEncoder().encode(config)) == config)
      // As meta.json keeps it.
      let kept = try JSONEncoder().encode(JSONValue(encoding: config))
      #expect(try JSONDecoder().decode(RunConfig.self, from: kept) == config)
    }
  }

  @Test func itIsAScan() throws {
    #expect(try RunConfig.standard().experiments == ["scan"])
    #expect(try RunConfig().experimentCards.map(\.name) == ["scan"])
  }

  @Test func theDefaultMatricesFitASmallMachine() throws {
    let host = Matrix.HostResources(cpus: 2, availableBytes: 12 << 30)
    let quick = try Matrix(.standard(quick: true), host: host)
    #expect(quick.cells.count == 2 * Strategies.all.count && quick.config.repetitions == 3)
    let standard = try Matrix(.standard(), host: host)
    let readers = Strategies.all.count { $0.card.effect == .readsOnly }
    #expect(standard.cells.count == 4 * Strategies.all.count + 2 * readers)
    #expect(standard.peakBytes <= 6 << 30 && standard.cells.allSatisfy { !$0.oversubscribed })
  }
}
