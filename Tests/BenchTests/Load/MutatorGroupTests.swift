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
}
