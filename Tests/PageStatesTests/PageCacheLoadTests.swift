import GuestMemory
import Testing

@testable import PageStates

/// The load in memory, on one thread.
@Suite struct PageCacheLoadTests {
  private struct Run: Equatable {
    var counts = StateCounts()
    var hits = 0
    var readIns = 0
    var pages = 0
    var freed = 0
    var discarded = 0
    var preserved = 0
  }

  private func run(_ mode: HintingMode, range: Int = 1, seed: UInt64 = 3, isPressed: Bool = true) throws -> Run {
    let frames = try PageFrames(pages: 512, filePages: 1024, mode: mode)
    var load = PageCacheLoad<StateCounts>(frames, mode, range: range, seed: seed)
    var host: HostAgent? = isPressed ? HostAgent(seed: seed) : nil
    load.run(wishes: 4000 / range, host: &host, hostLooks: 1)
    let run = Run(
      counts: load.store.tally, hits: load.hits, readIns: load.readIns, pages: load.pagesHandled,
      freed: host?.freed ?? 0, discarded: host?.discarded ?? 0, preserved: host?.preserved ?? 0)
    load.end()
    #expect(frames.freePages == 512 && frames.listed(active: true) + frames.listed(active: false) == 0, "\(mode)")
    for page in 0..<512 where mode.marksFree { #expect(frames.state(page).guest == .unused) }
    return run
  }

  @Test(arguments: HintingMode.allCases) func theSameSeedCountsTheSame(_ mode: HintingMode) throws {
    for range in [1, 16] {
      let (first, again) = (try run(mode, range: range), try run(mode, range: range))
      #expect(first == again)
      #expect(try run(mode, range: range, seed: 4) != first)
      #expect(first.hits > 0 && first.readIns > 0 && first.pages == 4000 / range * range)
    }
  }

  @Test func eachModeTellsWhatItSays() throws {
    let runs = try Dictionary(uniqueKeysWithValues: HintingMode.allCases.map { ($0, try run($0)) })
    let (none, light) = (try #require(runs[.none]), try #require(runs[.light]))
    let (full, every) = (try #require(runs[.full]), try #require(runs[.everyGetPut]))
    let detour = try #require(runs[.fullViaVolatile])
    // Nothing said, nothing to discard.
    #expect(none.counts.operations == 0 && none.discarded == 0 && none.freed == 0 && none.preserved > 0)
    // Stable and unused by turns, and nothing else.
    #expect(light.counts.operations == light.counts.issued[1] + light.counts.issued[2] && light.counts.operations > 0)
    #expect(light.discarded == 0 && light.freed > 0 && light.preserved > 0)
    for run in [full, every, detour] {
      #expect(run.discarded > 0 && run.counts.discardedRemoved > 0 && run.counts.discardFaults > 0)
      #expect(run.counts.discardedRemoved <= run.discarded)
      #expect(run.preserved < none.preserved)
      #expect(run.counts.changes <= run.counts.operations)
    }
    let lazy = try #require(runs[.fullWithoutPut])
    #expect(lazy.counts.changes < full.counts.changes && lazy.discarded < full.discarded)
    // More references, more operations.
    #expect(every.counts.operations > full.counts.operations)
    #expect(detour.counts.issued[6] > full.counts.issued[6])
  }

  @Test func withoutPressureEveryModeCachesTheSame() throws {
    let runs = try HintingMode.allCases.map { try run($0, isPressed: false) }
    for run in runs {
      #expect(run.hits == runs[0].hits && run.readIns == runs[0].readIns)
      #expect(run.counts.discardedRemoved == 0 && run.counts.discardFaults == 0 && run.counts.swapIns == 0)
    }
  }

  @Test func theHostTakesWhatTheStateAllows() throws {
    let frames = try PageFrames(pages: 4, filePages: 4, mode: .full)
    var store = frames.store(.full, tally: StateCounts())
    let cached = store.readIn(2)
    let page = try #require(cached)
    #expect(frames.state(page) == PageState(.stable, .resident))
    #expect(frames.takeFrame(page) == .preserved && frames.takeFrame(page) == nil)
    let isThere = store.access(page, writes: false)
    #expect(isThere && store.tally.swapIns == 1)
    store.putPage(page)
    #expect(frames.state(page) == PageState(.volatile, .resident))
    #expect(frames.takeFrame(page) == .discarded && frames.state(page).isDiscarded)
    // Whoever looks it up finds it gone; it waits for the drain.
    let found = store.lookup(2)
    #expect(found == nil && store.tally.discardedRemoved == 1)
    #expect(frames.freePages == 3)
    store.drainDiscarded()
    #expect(frames.freePages == 4 && frames.state(page).guest == .unused)
  }

  @Test func aDiscardFaultRemovesThePage() throws {
    let frames = try PageFrames(pages: 4, filePages: 4, mode: .full)
    var store = frames.store(.full, tally: StateCounts())
    let cached = store.readIn(1)
    let page = try #require(cached)
    store.putPage(page)
    let isMapped = store.mapCached(1, writable: true)
    #expect(isMapped && frames.state(page).guest == .potentiallyVolatile)
    let isWritten = store.touch(1, writes: true)
    // Written to: it has to be kept.
    #expect(isWritten && frames.takeFrame(page) == .preserved)
    let isRead = store.touch(1, writes: false)
    #expect(isRead)
    store.writeBack(1)
    #expect(frames.state(page) == PageState(.potentiallyVolatile, .resident))
    #expect(frames.takeFrame(page) == .discarded)
    let isStillThere = store.touch(1, writes: false)
    #expect(!isStillThere && store.tally.discardFaults == 1 && store.tally.discardedRemoved == 1)
    let isMappedStill = store.touch(1, writes: false)
    let found = store.lookup(1)
    #expect(!isMappedStill && found == nil)
  }
}
