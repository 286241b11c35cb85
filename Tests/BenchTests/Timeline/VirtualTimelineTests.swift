import GuestMemory
import Hinting
import Testing

@testable import Bench

/// Time that is moved on from event to event.
@Suite struct VirtualTimelineTests {
  private func mutators(_ guest: Guest, count: Int, load: MutatorLoad = .order0) throws -> [AnyMutator] {
    try (0..<count).map {
      try StrategyRunner.plainMutator(
        guest, MutatorSettings(load: load, cpu: 1 + $0, mostPages: 1000, seed: 3), isProbed: false)
    }
  }

  private func guest() throws -> Guest {
    let guest = try Guest(.standard(bytes: 128 << 20, cpus: 4))
    guest.fillFresh()
    return guest
  }

  @Test(arguments: [1, 3]) func mutatorsActAtTheirRate(count: Int) throws {
    let guest = try guest()
    let timeline = VirtualTimeline(try mutators(guest, count: count), rate: 10_000)
    timeline.start()
    timeline.advance(to: 2_000_000_000)
    #expect(timeline.now == 2_000_000_000)
    // A burst of up to 64 may reach over the end.
    #expect((20_000 * count...(20_000 + 64) * count).contains(timeline.operations), "\(timeline.operations)")
    timeline.giveBack()
    #expect(guest.validate().isEmpty)
  }

  @Test func inStepsOrAtOnceIsTheSame() throws {
    let guests = try [guest(), guest()]
    let lines = try guests.map { VirtualTimeline(try mutators($0, count: 2, load: .mixed), rate: 1000) }
    lines[0].advance(to: 3_000_000_000)
    for step in 1...3000 { lines[1].advance(to: UInt64(step) * 1_000_000) }
    #expect(lines[0].operations == lines[1].operations)
    for (a, b) in zip(guests[0].core.zones, guests[1].core.zones) {
      #expect(a.freePages == b.freePages)
      for order in 0...10 { #expect(a.blocksFree(order: order) == b.blocksFree(order: order)) }
    }
  }

  @Test func timeNeverGoesBack() throws {
    let timeline = VirtualTimeline([], rate: 1)
    timeline.advance(to: 100)
    timeline.advance(to: 50)
    #expect(timeline.now == 100)
  }
}
