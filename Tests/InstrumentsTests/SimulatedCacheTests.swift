import Testing

@testable import Instruments
@testable import Machine

@Suite struct SimulatedCacheTests {
  /// Valgrind refuses other geometries.
  private static func expectPossible(_ cache: SimulatedCache) {
    #expect(cache.lineBytes >= 16 && cache.lineBytes.nonzeroBitCount == 1, "\(cache)")
    #expect(cache.ways >= 1 && cache.sizeBytes % (cache.ways * cache.lineBytes) == 0, "\(cache)")
    #expect((cache.sizeBytes / cache.ways / cache.lineBytes).nonzeroBitCount == 1, "\(cache)")
  }

  @Test func aUsualCacheIsSimulatedAsItIs() {
    for (size, ways) in [(32 << 10, 8), (48 << 10, 12), (32 << 20, 16), (36 << 20, 9), (1, 1)] {
      let cache = SimulatedCache(sizeBytes: size, ways: ways, lineBytes: 64)
      Self.expectPossible(cache)
      if size > 1 { #expect(cache.sizeBytes == size && cache.ways == ways && cache.option == "\(size),\(ways),64") }
    }
  }

  @Test func anOddCacheKeepsNearlyItsSize() {
    for megabytes in 1...200 {
      for ways in 1...24 {
        let size = megabytes * 1_408 * 1024
        let cache = SimulatedCache(sizeBytes: size, ways: ways, lineBytes: 64)
        Self.expectPossible(cache)
        #expect(cache.ways >= ways && cache.ways <= 2 * ways)
        #expect(cache.sizeBytes <= size && Double(cache.sizeBytes) >= Double(size) * 0.5)
      }
    }
    let xeon = SimulatedCache(sizeBytes: 36_608 << 10, ways: 11, lineBytes: 64)
    #expect(xeon == SimulatedCache(sizeBytes: 34 << 20, ways: 17, lineBytes: 64))
  }

  @Test func theHostsCachesAreTaken() {
    let caches = SimulatedCaches(like: [
      HostCache(level: 1, type: "Data", sizeBytes: 48 << 10, lineBytes: 64, ways: 12),
      HostCache(level: 1, type: "Instruction", sizeBytes: 32 << 10, lineBytes: 64, ways: 8),
      HostCache(level: 2, type: "Unified", sizeBytes: 2 << 20, lineBytes: 64, ways: 16),
      HostCache(level: 3, type: "Unified", sizeBytes: 36 << 20, lineBytes: 64, ways: 9),
    ])
    #expect(caches.firstData.sizeBytes == 48 << 10 && caches.firstData.ways == 12)
    #expect(caches.firstInstruction.sizeBytes == 32 << 10)
    #expect(caches.last.sizeBytes == 36 << 20 && caches.last.ways == 9)
  }

  @Test func whatTheHostDoesNotTellIsStandard() {
    let standard = SimulatedCaches(like: [])
    #expect(standard.firstData == SimulatedCache(sizeBytes: 32 << 10, ways: 8, lineBytes: 64))
    #expect(standard.last == SimulatedCache(sizeBytes: 8 << 20, ways: 16, lineBytes: 64))
    let vague = SimulatedCaches(like: [
      HostCache(level: 1, type: "Data", sizeBytes: nil, lineBytes: 64),
      HostCache(level: 3, type: "Unified", sizeBytes: 16 << 20, lineBytes: nil, ways: 0),
    ])
    #expect(vague.firstData == standard.firstData)
    #expect(vague.last == SimulatedCache(sizeBytes: 16 << 20, ways: 16, lineBytes: 64))
    for cache in [vague.firstInstruction, vague.firstData, vague.last] { Self.expectPossible(cache) }
  }
}
