import Instruments
import Testing

@testable import GuestMemory

/// Loads that have a course: processes that end, rests, a page cache.
@Suite struct CourseTests {
  private func mutator(_ guest: Guest, _ load: MutatorLoad, most: Int, seed: UInt64 = 1) throws -> AnyMutator {
    AnyMutator(
      try Mutator(
        guest,
        MutatorSettings(
          load: load, cpu: 0, mostPages: most, seed: seed, restNanoseconds: 7, notesTouches: true),
        probe: NoProbe(), log: nil, hooks: NoHooks(), rules: Linux6_12.self))
  }

  private func guest() throws -> Guest {
    var geometry = GuestGeometry.standard(bytes: 256 << 20, cpus: 1)
    geometry.kernel = .linux612
    let guest = try Guest(geometry)
    guest.fillFresh()
    return guest
  }

  private func pages(_ mutator: AnyMutator) -> Int { mutator.blocks.reduce(0) { $0 + Int($1.pages) } }

  @Test(arguments: MutatorLoad.allCases.filter(\.isCourse), [1, 2, 3] as [UInt64])
  func itHoldsNoMoreThanItMayAndLeavesTheGuestWhole(load: MutatorLoad, seed: UInt64) throws {
    let guest = try guest()
    let start = guest.core.freePages
    let most = 8000
    let mutator = try mutator(guest, load, most: most, seed: seed)
    var rests = 0
    var peak = 0
    for _ in 0..<3000 {
      let rest = mutator.burst()
      #expect(rest == 0 || (rest == 7 && load.rests), "seed \(seed)")
      if rest > 0 {
        rests += 1
        // It rests when everything is free.
        #expect(mutator.blocks.isEmpty)
      }
      peak = max(peak, pages(mutator))
    }
    // The last allocation may be of order 9; a burst of mixed orders is begun below the limit, and not cut.
    #expect(peak <= most + (load == .bursts ? 64 : 1) * 512 && peak > most / 4, "\(load): \(peak)")
    #expect((rests > 1) == load.rests, "\(load): \(rests)")
    #expect(mutator.refused == 0)
    #expect(guest.validate(held: mutator.blocks).isEmpty)
    mutator.giveBack()
    #expect(guest.core.freePages == start && guest.validate().isEmpty, "seed \(seed)")
  }

  /// Of what it gets, everything is noted once, and nothing else.
  @Test(arguments: [MutatorLoad.cycles, .bursts, .build, .cache, .mixed]) func whatItGetsIsNoted(load: MutatorLoad)
    throws
  {
    let guest = try guest()
    let mutator = try mutator(guest, load, most: 2000)
    var touched: [Block] = []
    for _ in 0..<20 { mutator.burst() }
    mutator.takeTouches { touched.append($0) }
    #expect(!touched.isEmpty && Set(mutator.blocks).isSubset(of: Set(touched)))
    var again = 0
    mutator.takeTouches { _ in again += 1 }
    #expect(again == 0)
    mutator.giveBack()
  }

  @Test func withoutBeingAskedNothingIsNoted() throws {
    let guest = try guest()
    let mutator = AnyMutator(
      try Mutator(
        guest, MutatorSettings(load: .order0, cpu: 0, mostPages: 100, seed: 1), probe: NoProbe(), log: nil,
        hooks: NoHooks(), rules: Linux6_12.self))
    for _ in 0..<10 { mutator.burst() }
    var noted = 0
    mutator.takeTouches { _ in noted += 1 }
    #expect(noted == 0)
    mutator.giveBack()
  }

  /// A full cache gives up its oldest pages first.
  @Test func thePageCacheGivesUpItsOldestPages() throws {
    let guest = try guest()
    let mutator = try mutator(guest, .cache, most: 1000)
    var order: [Block] = []
    for _ in 0..<100 {
      mutator.burst()
      mutator.takeTouches { order.append($0) }
      #expect(mutator.blocks == Array(order.suffix(1000)))
    }
    #expect(order.count == 6400)
    mutator.giveBack()
  }
}
