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
      #expect(!card.decisiveMetrics.isEmpty)
      for name in card.decisiveMetrics {
        let metric = TrackedMetric.all(of: card.name).first { $0.name == name }
        #expect(metric?.isPrimary == true, "\(card.name): \(name)")
      }
    }
  }
}
