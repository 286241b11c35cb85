import CAllocationCounter
import Instruments

/// A region that adds up its time, and what this thread meanwhile asked of the allocator.
final class RegionMeter {
  private(set) var ticks: UInt64 = 0
  /// Calls of malloc(), free() and their kin.
  private(set) var allocatorCalls: UInt64 = 0
  private var begin: UInt64 = 0
  private var callsBefore: UInt64 = 0

  var region: Region { Region(start: { self.start() }, stop: { self.stop() }) }

  private static var calls: UInt64 {
    let counts = allocation_counts()
    return counts.allocations &+ counts.frees
  }

  private func start() {
    callsBefore = Self.calls
    begin = CycleClock.begin()
  }

  private func stop() {
    let end = CycleClock.end()
    ticks &+= CycleClock.ticks(from: begin, to: end)
    allocatorCalls &+= Self.calls &- callsBefore
  }
}
