import Bench
import Experiments
import Foundation
import Records
import Testing

/// What `--dry-run` says a run will take is within a factor of two of what committed runs took.
@Suite struct EstimateTests {
  private static let reports = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Reports").path

  private static func recorded() -> [String] {
    (FileManager.default.subpaths(atPath: reports) ?? [])
      .filter { $0.hasPrefix("sample") && $0.hasSuffix("/meta.json") }.sorted()
  }

  private static func meta(_ path: String) throws -> RunMeta {
    try JSONDecoder.standard.decode(RunMeta.self, from: Data(contentsOf: URL(fileURLWithPath: reports + "/" + path)))
  }

  /// The machine that a run was made on, as far as meta.json tells.
  private func host(_ meta: RunMeta) throws -> Matrix.HostResources {
    struct Facts: Decodable {
      struct Cache: Decodable {
        var level: Int
        var sizeBytes: Int
      }
      var allowedCpus: [Int]
      var caches: [Cache]
      var memoryBytes: UInt64
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let facts = try decoder.decode(Facts.self, from: JSONEncoder().encode(meta.host))
    let cache = try #require(facts.caches.max { $0.level < $1.level })
    return .init(
      cpus: facts.allowedCpus.count, availableBytes: facts.memoryBytes * 9 / 10,
      lastLevelCacheBytes: cache.sizeBytes)
  }

  @Test func everyExperimentHasARecordedRun() throws {
    var names: Set<String> = []
    for path in Self.recorded() {
      let config = try JSONDecoder().decode(
        RunConfig.self, from: JSONEncoder().encode(Self.meta(path).config))
      names.formUnion(try config.experimentCards.map(\.name))
    }
    #expect(names == Set(Experiments.all.map(\.name)))
  }

  /// Without the launches of a comparison, which take turns and wait for each other.
  @Test(arguments: recorded().filter { !$0.contains("/base/") && !$0.contains("/new/") })
  func isWithinAFactorOfTwo(path: String) throws {
    let meta = try Self.meta(path)
    let finished = try #require(meta.finished, "\(path) was cut short")
    var config = try RunConfig(recorded: meta.config)
    // A capture lies beside its run.
    let folder = URL(fileURLWithPath: Self.reports + "/" + path).deletingLastPathComponent().deletingLastPathComponent()
    for index in config.groups.indices {
      for file in [\RunConfig.Group.buddyinfo, \.pagetypeinfo, \.zoneinfo] {
        guard let name = config.groups[index][keyPath: file] else { continue }
        config.groups[index][keyPath: file] = folder.appendingPathComponent(name).path
      }
    }
    let estimated = try Matrix(config, host: host(meta)).estimatedNanoseconds / 1e9
    // meta.json has whole seconds.
    let took = finished.timeIntervalSince(meta.started)
    #expect(estimated >= (took - 1) / 2 && estimated <= (took + 1) * 2, "\(path): \(estimated) s for \(took) s")
  }
}
