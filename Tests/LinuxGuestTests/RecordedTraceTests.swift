import Foundation
import Testing

@testable import LinuxGuest

/// Traces as a real kernel executed them, recorded with `hintbench kernel check --traces 10 --record FOLDER`: the model
/// must hand out the same blocks and end with the same lists.
@Suite struct RecordedTraceTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Recorded"

  @Test(arguments: ["6.1.", "6.12."]) func theModelAgreesWithTheKernelToTheLastPFN(release: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder)
    let path = Self.folder + "/" + (try #require(names.first { $0.hasPrefix("linux-" + release) }))
    let (version, results) = try KernelCheck.recorded(path)
    #expect(version.hasPrefix(release) && results.count == 10)
    for result in results {
      #expect(result.difference == nil, "trace \(result.seed)")
      #expect(result.operations == 20_000 && result.checkpoints == 10)
    }
    // Memory was nearly full in some, or nothing would have been asked of watermarks and reserves.
    #expect(results.contains { $0.failedAllocations > 100 })
    #expect(results.allSatisfy { $0.isolated > 0 })
  }
}
