import Delivery
import Foundation
import GuestMemory
import Instruments
import Testing

@testable import Bench

@Suite struct MutatorGroupTests {
  /// Refusals cost next to nothing: as operations they would make a strategy that starves others look good.
  @Test func aRefusedAllocationIsNoOperation() throws {
    let guest = try Guest(.standard(bytes: 128 << 20, cpus: 2))
    guest.fillFresh()
    var hog = GuestCPU(guest.core, cpu: 0, node: 0, probe: NoProbe())
    for order in [10, 5, 0] { while hog.allocate(order: order, .userMovable) != nil {} }
    let group = try MutatorGroup(guest, nil, .thp, count: 1, hostCPUs: [], seed: 1, isProbed: false)
    defer { group.end() }
    group.run()
    usleep(20_000)
    group.park()
    #expect(try #require(group.figures).failed > 0)
    #expect(group.operations == 0 && group.operationsPerSecond == 0)
    withExtendedLifetime(guest) {}
  }

  /// Threads have the vmstat tick of their CPUs, between bursts.
  @Test func listsOfMutatorsDecay() throws {
    var geometry = GuestGeometry.standard(bytes: 1 << 30, cpus: 2)
    geometry.kernel = .linux612
    let guest = try Guest(geometry)
    guest.fillFresh()
    var cpu = GuestCPU(guest.core, cpu: 1, node: 0, probe: NoProbe(), rules: Linux6_12.self)
    let pages = (0..<60_000).compactMap { _ in cpu.allocate(order: 0, .userMovable) }
    try #require(pages.count == 60_000)
    for pfn in pages { cpu.free(pfn: pfn, order: 0) }
    // All else is taken, so that every request is refused and the lists change by ticks alone.
    var hog = GuestCPU(guest.core, cpu: 0, node: 0, probe: NoProbe(), rules: Linux6_12.self)
    for order in [10, 5, 0] { while hog.allocate(order: order, .userMovable) != nil {} }
    func cached() -> Int { guest.core.zones.reduce(0) { $0 + guest.core.perCPUList($1, cpu: 1).count } }
    let before = cached()
    #expect(before > 2 * 2016)
    let group = try MutatorGroup(guest, nil, .thp, count: 1, hostCPUs: [], seed: 1, isProbed: false)
    defer { group.end() }
    group.run()
    usleep(20_000)
    group.park()
    #expect(cached() == before)
    group.run()
    usleep(1_300_000)
    group.park()
    #expect(cached() < before)
    withExtendedLifetime(guest) {}
  }

  /// The mutators end a window themselves, whatever the thread beside them does.
  @Test(arguments: [1, 2]) func aWindowEndsWithoutTheThreadBeside(count: Int) throws {
    let guest = try Guest(.standard(bytes: 128 << 20, cpus: 3))
    guest.fillFresh()
    let stop = StopFlag()
    defer { stop.deallocate() }
    let group = try MutatorGroup(guest, nil, .order0, count: count, hostCPUs: [], seed: 1, isProbed: false)
    defer { group.end() }
    for round in 1...2 {
      stop.clear()
      let before = group.operations
      group.run(window: 20_000_000, stop: stop)
      while !stop.isSet { usleep(100) }
      // The thread beside is late: nothing is done meanwhile, and the rate doesn't see it.
      usleep(60_000)
      group.park()
      let done = group.operations
      #expect(done > before, "round \(round)")
      let seconds = Double(done) / (try #require(group.operationsPerSecond))
      #expect(seconds >= 0.02 * Double(round) - 0.001, "round \(round)")
      usleep(5_000)
      #expect(group.operations == done)
    }
    // A run without a window goes on until it is parked.
    group.run()
    usleep(5_000)
    group.park()
    withExtendedLifetime(guest) {}
  }
}
