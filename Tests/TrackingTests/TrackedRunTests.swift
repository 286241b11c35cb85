import Experiments
import Records
import Reporting
import Testing

@testable import Tracking

@Suite struct TrackedRunTests {
  @Test func aFolderWithoutARunIsRefusedByName() {
    let error = #expect(throws: UserError.self) { try TrackedRun(folder: "/nowhere/run") }
    #expect(error?.description.contains("/nowhere/run/meta.json") == true)
  }
}

@Suite struct TrackedMetricTests {
  @Test func everyExperimentsDecisiveMetricIsOneOfIts() {
    for card in Experiments.all {
      let metric = TrackedMetric.all(of: card.name).first { $0.name == card.decisiveMetric }
      #expect(metric?.isPrimary == true, "\(card.name): \(card.decisiveMetric)")
    }
  }
}
