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

  private func guest(_ kernel: KernelVersion = .linux61) throws -> Guest {
    var geometry = GuestGeometry.standard(bytes: 128 << 20, cpus: 4)
    geometry.kernel = kernel
    let guest = try Guest(geometry)
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

  @Test(arguments: KernelVersion.allCases) func inStepsOrAtOnceIsTheSame(kernel: KernelVersion) throws {
    let guests = try [guest(kernel), guest(kernel)]
    let lines = try guests.map { VirtualTimeline(try mutators($0, count: 2, load: .mixed), rate: 1000) }
    lines[0].advance(to: 3_000_000_000)
    for step in 1...3000 { lines[1].advance(to: UInt64(step) * 1_000_000) }
    #expect(lines[0].operations == lines[1].operations)
    for (a, b) in zip(guests[0].core.zones, guests[1].core.zones) {
      #expect(a.freePages == b.freePages)
      for order in 0...10 { #expect(a.blocksFree(order: order) == b.blocksFree(order: order)) }
    }
    #expect(guests[0].core.perCPUPages == guests[1].core.perCPUPages)
  }

  /// A guest of 1 GiB, in which a process of single pages has exited on each of two CPUs.
  private func guestAfterExits() throws -> (guest: Guest, processes: [AnyMutator]) {
    var geometry = GuestGeometry.standard(bytes: 1 << 30, cpus: 2)
    geometry.kernel = .linux612
    let guest = try Guest(geometry)
    guest.fillFresh()
    let processes = try (0..<2).map { number in
      let process = try StrategyRunner.plainMutator(
        guest, MutatorSettings(load: .none, cpu: number, mostPages: 1 << 20, seed: 1), isProbed: false)
      #expect(process.take(order: 0, count: 60_000) == 60_000)
      process.exit()
      return process
    }
    return (guest, processes)
  }

  /// The same as on a guest beside whose CPUs have one tick each.
  @Test func everyCPUHasItsTickAtWholeSeconds() throws {
    let (guest, processes) = try guestAfterExits()
    let (twin, twins) = try guestAfterExits()
    // A second one on CPU 0, which would otherwise decay twice.
    let beside = try StrategyRunner.plainMutator(
      guest, MutatorSettings(load: .none, cpu: 0, mostPages: 64, seed: 1), isProbed: false)
    let timeline = VirtualTimeline([processes[1], beside], rate: 0.001, own: processes[0])
    timeline.start()
    timeline.advance(to: 0)
    twins[1].burst()
    let start = guest.core.perCPUPages
    #expect(start == twin.core.perCPUPages)
    for second in 1...10 as ClosedRange<UInt64> {
      let before = guest.core.perCPUPages
      timeline.advance(to: second * 1_000_000_000 - 1)
      #expect(guest.core.perCPUPages == before, "\(second)")
      timeline.advance(to: second * 1_000_000_000)
      for process in twins { process.tick() }
      #expect(guest.core.perCPUPages == twin.core.perCPUPages, "\(second)")
    }
    #expect(guest.core.perCPUPages < start / 2)
    #expect(guest.validate(held: processes[1].blocks).isEmpty)
  }

  /// By the machine's clock it isn't known how many ticks there were, only that there was one.
  @Test func byTheRealClockTheListsOfBothDecay() throws {
    let (guest, processes) = try guestAfterExits()
    let start = guest.core.perCPUPages
    let zone = guest.core.zones.last?.index ?? 0
    func pages(_ cpu: Int) -> Int { guest.core.perCPUList(guest.core.zone(zone), cpu: cpu).count }
    let before = pages(0)
    let timeline = RealTimeline(nil, own: processes[0])
    timeline.start()
    while timeline.now < 1_100_000_000 { timeline.advance(to: timeline.now + 50_000_000) }
    #expect(pages(0) < before && guest.core.perCPUPages < start)
    withExtendedLifetime(guest) {}
  }

  /// A process of 1000 pages in 0.1 s, then a rest of a second: in ten seconds it comes nine times.
  @Test func aRestTakesTimeAndIsNotBusy() throws {
    let guest = try guest()
    let mutator = try StrategyRunner.plainMutator(
      guest,
      MutatorSettings(
        load: .cycles, cpu: 1, mostPages: 1000, seed: 3, restNanoseconds: 1_000_000_000, notesTouches: true),
      isProbed: false)
    let timeline = VirtualTimeline([mutator], rate: 10_000)
    var touched = 0
    var times: [UInt64] = []
    timeline.afterBurst = { [unowned timeline] mutator in
      var isEmpty = true
      mutator.takeTouches { _ in
        touched += 1
        isEmpty = false
      }
      if !isEmpty { times.append(timeline.now) }
    }
    timeline.start()
    timeline.advance(to: 10_000_000_000)
    #expect(times == times.sorted() && times.allSatisfy { $0 <= 10_000_000_000 })
    // The tenth process has begun at 9.9 s.
    #expect((9000...10_064).contains(touched), "\(touched)")
    #expect(abs(timeline.busyNanoseconds - Double(mutator.operations) * 1e5) < 1)
    #expect(mutator.operations >= touched && mutator.operations <= touched + 10)
    timeline.giveBack()
    #expect(guest.validate().isEmpty)
  }

  @Test func timeNeverGoesBack() throws {
    let timeline = VirtualTimeline([], rate: 1)
    timeline.advance(to: 100)
    timeline.advance(to: 50)
    #expect(timeline.now == 100)
  }
}
