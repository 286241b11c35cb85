import Bench
import Experiments
import Foundation
import Records
import Testing

@testable import Tracking

/// Runs made before schema_version 3 are matched with today's cells.
@Suite struct FormerCellsTests {
  private static let reports = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Reports").path

  /// Every committed run of schema_version 2.
  private static func samples() throws -> [String] {
    let paths = try #require(FileManager.default.subpaths(atPath: reports))
    return try paths.filter { $0.hasPrefix("sample") && $0.hasSuffix("/meta.json") }.map {
      String($0.dropLast("/meta.json".count))
    }.filter { try TrackedRun(folder: reports + "/" + $0).meta.schemaVersion == 2 }.sorted()
  }

  /// What the same configuration comes to today, on the machine it was run on.
  private func matrix(_ meta: RunMeta) throws -> Matrix {
    let config = try RunConfig(recorded: meta.config)
    return try Matrix(config, host: .init(cpus: 2, availableBytes: 22 << 30))
  }

  @Test func everyCellOfTheSamplesIsTodays() throws {
    let samples = try Self.samples()
    #expect(samples.count >= 8)
    for sample in samples {
      let run = try TrackedRun(folder: Self.reports + "/" + sample)
      let mapped = run.mapped
      #expect(mapped.unmapped.isEmpty, "\(sample): \(mapped.unmappedLines)")
      let matrix = try matrix(run.meta)
      let today = Dictionary(uniqueKeysWithValues: matrix.cells.map { ($0.id, $0.optionsText) })
      for record in mapped.repetitions {
        let options = today[record.identity.cellID]
        #expect(options != nil, "\(sample): \(record.identity.experiment) \(record.identity.strategy)")
        // Ids of a scan stayed.
        if record.identity.experiment != "scan" { #expect(record.identity.experimentOptions == options, "\(sample)") }
      }
      let keys = mapped.repetitions.map(\.key)
      #expect(Set(keys).count == keys.count, "\(sample)")
      for (experiment, rows) in mapped.ownRows {
        #expect(rows.count == run.ownRows[experiment]?.count)
        #expect(rows.allSatisfy { today[$0["cell_id"] ?? ""] != nil }, "\(sample) \(experiment)")
      }
      #expect(Set(mapped.cells.map(\.cellID)) == Set(mapped.cellIDs), "\(sample)")
    }
  }

  /// What several points had in common belongs to none of them.
  @Test func aRepetitionOfSeveralPointsIsOneOfEach() throws {
    let run = try TrackedRun(folder: Self.reports + "/sample-delivery")
    let mapped = run.mapped
    let old = try #require(run.repetitions.first { $0.identity.strategy.hasPrefix("walk-callback") })
    let rows = (run.ownRows["delivery"] ?? []).filter {
      $0["cell_id"] == old.identity.cellID && $0["repetition"] == "\(old.identity.repetition)"
    }
    #expect(rows.count == 4)
    let new = mapped.repetitions.filter {
      $0.identity.time == old.identity.time && $0.identity.strategy == old.identity.strategy
        && $0.identity.repetition == old.identity.repetition && $0.load.kind == old.load.kind
    }
    #expect(Set(new.map(\.identity.cellID)).count == 4)
    #expect(new.allSatisfy { $0.guest == old.guest && $0.speed == RunRecord.Speed() })
    #expect(old.speed != RunRecord.Speed())
  }

  /// A cell is only given an id if its own comes out of what is supposed of it.
  @Test func whatCannotBeToldKeepsItsIDAndIsSaid() throws {
    let run = try TrackedRun(folder: Self.reports + "/sample-ballooning")
    var wrong = run
    wrong.meta.config = .object([:])
    for index in wrong.repetitions.indices { wrong.repetitions[index].guest.lockKind = "test-and-set" }
    let mapped = wrong.mapped
    #expect(mapped.cellIDs == run.cellIDs)
    #expect(Set(mapped.unmapped.map(\.cellID)) == Set(run.cellIDs))
    #expect(mapped.unmappedLines.count == 1 && mapped.unmappedLines[0].contains("can't be told"))

    var captured = run
    for index in captured.repetitions.indices { captured.repetitions[index].guest.state = "captured" }
    #expect(captured.mapped.unmappedLines.first?.contains("capture") == true)
  }

  @Test func aRunOfTodayStaysAsItIs() throws {
    var run = try TrackedRun(folder: Self.reports + "/sample-delivery")
    run.meta.schemaVersion = 3
    #expect(run.mapped.hasContent(of: run))
  }
}
