import Foundation
import Instruments
import Machine
import Testing

@Suite struct CalibrationTests {
  @Test func everyLimitHasASpreadAroundItsMedian() throws {
    let limits = try MachineFloors.measure()
    let all = [
      limits.clockP50, limits.clockP99, limits.atomicAdd, limits.systemCall, limits.zeroing4KiB, limits.zeroing4MiB,
    ]
    for range in all {
      #expect(range.lowest > 0)
      #expect(range.lowest <= range.median && range.median <= range.highest)
      #expect(range.highest.isFinite)
    }
    #expect(limits.clockP50.median <= limits.clockP99.median)
    #expect(try JSONDecoder().decode(MachineFloors.self, from: JSONEncoder().encode(limits)) == limits)
  }

  @Test(arguments: [(nil, 64 << 20), (0, 64 << 20), (-5, 64 << 20), (1, 2), (3 << 20, 6 << 20)])
  func theEvictorsBufferIsTwiceTheCache(_ cache: Int?, _ expected: Int) throws {
    let evictor = try CacheEvictor(lastLevelCacheBytes: cache)
    #expect(evictor.bytes == expected)
    evictor.evict()
  }

  @Test func anImpossibleBufferIsAnError() {
    #expect(throws: SystemCallError.self) { try CacheEvictor(lastLevelCacheBytes: .max) }
    #expect(throws: SystemCallError.self) { try CacheEvictor(lastLevelCacheBytes: 1 << 60) }
  }

  @Test func withoutABudgetThereIsOneInterval() {
    for budget in [0, -1, .nan] {
      let reading = NoiseMeter.measure(intervalNanoseconds: 100, budgetNanoseconds: budget)
      #expect(reading.samples.count == 1)
      #expect(reading.max == reading.samples[0])
      #expect(reading.p999 == reading.max)
    }
  }

  @Test func withBudgetEnoughThereAreAThousand() {
    let reading = NoiseMeter.measure(intervalNanoseconds: 10, budgetNanoseconds: 1e10)
    #expect(reading.samples.count == NoiseMeter.samplesMax)
    let sorted = reading.samples.sorted()
    #expect(reading.p50 == sorted[499])
    #expect(reading.p999 == sorted[998])
    #expect(reading.max == sorted[999])
    #expect(sorted[0] >= 0)
    #expect(reading.intervalNanoseconds == 10)
  }

  @Test(arguments: [0, -7, Double.nan]) func anIntervalWithoutLengthIsEmpty(_ length: Double) {
    let reading = NoiseMeter.measure(intervalNanoseconds: length, budgetNanoseconds: 1e6)
    #expect(reading.intervalNanoseconds == 0)
    #expect(!reading.samples.isEmpty)
  }
}
