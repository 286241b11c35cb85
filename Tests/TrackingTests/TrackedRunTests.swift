import Reporting
import Testing

@testable import Tracking

@Suite struct TrackedRunTests {
  @Test func aFolderWithoutARunIsRefusedByName() {
    let error = #expect(throws: ReportingError.self) { try TrackedRun(folder: "/nowhere/run") }
    #expect(error?.description.contains("/nowhere/run/meta.json") == true)
  }
}
