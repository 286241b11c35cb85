import Bench
import Experiments
import Records
import TestSupport
import Testing

/// A preset's matrix is the migration that was published, and its cells are known again.
@Suite struct MigrationPresetTests {
  @Test(arguments: MigrationPreset.all.map(\.name))
  func itsCellsHaveItsConditions(name: String) throws {
    let preset = try #require(MigrationPreset.all.first { $0.name == name })
    let matrix = try Matrix(MigrationPreset.config(preset), host: .init(cpus: 2, availableBytes: 64 << 30))
    #expect(Set(matrix.cells.map(\.load.rawValue)) == Set(preset.figures.map(\.load)))
    #expect(matrix.cells.contains { $0.strategy.card.name == preset.strategy })
    #expect(matrix.cells.contains { $0.strategy.card.name == "none" })
    for cell in matrix.cells {
      #expect(cell.guest.bytes == preset.guestBytes && cell.guest.cpus == preset.cpus)
      #expect(cell.options.bytes("bandwidth") == preset.bandwidth)
      #expect(Double(cell.options.nanoseconds("downtime-limit")) == preset.downtimeLimit)
      #expect(cell.experimentCard.name == "migration")
    }
    for figure in preset.figures { #expect(figure.withHints < figure.without) }
  }

  @Test func onlyCellsOfItsConditionsAreHeldAgainstIt() throws {
    let preset = MigrationPreset.v33
    var run = RecordFixtures.run()
    run.guest.bytes = preset.guestBytes
    run.guest.cpus = preset.cpus
    run.guest.state = "fresh"
    let (bandwidth, limit) = (Double(preset.bandwidth), preset.downtimeLimit)
    #expect(preset.describes(run, bandwidth: bandwidth, downtimeLimitNs: limit))
    #expect(!preset.describes(run, bandwidth: bandwidth / 2, downtimeLimitNs: limit))
    #expect(!preset.describes(run, bandwidth: bandwidth, downtimeLimitNs: limit / 2))
    for change: (inout RunRecord) -> Void in [
      { $0.guest.bytes *= 2 }, { $0.guest.cpus = 8 }, { $0.guest.state = "aged" },
    ] {
      var other = run
      change(&other)
      #expect(!preset.describes(other, bandwidth: bandwidth, downtimeLimitNs: limit))
    }
  }
}
