import GuestMemory
import Instruments

/// What a load in one mode came to.
public struct PageCacheFigures: Sendable, Hashable {
  public var counts = StateCounts()
  public var pagesHandled = 0
  public var hits = 0
  public var readIns = 0
  /// Of the host.
  public var freed = 0
  public var discarded = 0
  public var preserved = 0

  /// Of the pages that the host took and that held something, the share that was thrown away and not written to swap.
  public var discardedShare: Double? {
    discarded + preserved == 0 ? nil : Double(discarded) / Double(discarded + preserved)
  }
}

/// Passes of ``PageCacheLoad``: first until memory is full, and then as many pages as are asked for.
///
/// Here, and not where they are asked for, so that the measured path is compiled for its types.
extension PageFrames {
  /// Counted, with a host that takes a frame for each page the guest's users ask for.
  public func count(_ mode: HintingMode, range: Int, seed: UInt64, pagesHandled: Int) -> PageCacheFigures {
    reset(mode)
    var load = PageCacheLoad<StateCounts>(self, mode, range: range, seed: seed)
    var host: HostAgent? = HostAgent(seed: seed)
    load.run(wishes: warmUp(range), host: &host, hostLooks: 1)
    load.beginCounting()
    host = HostAgent(seed: seed &+ 1)
    load.run(wishes: pagesHandled / range, host: &host, hostLooks: 1)
    return PageCacheFigures(
      counts: load.store.tally, pagesHandled: load.pagesHandled, hits: load.hits, readIns: load.readIns,
      freed: host?.freed ?? 0, discarded: host?.discarded ?? 0, preserved: host?.preserved ?? 0)
  }

  /// Timed, with nobody beside and nothing counted. Nanoseconds for a page asked for.
  public func time(_ mode: HintingMode, range: Int, seed: UInt64, pagesHandled: Int) -> Double {
    reset(mode)
    var load = PageCacheLoad<NoTally>(self, mode, range: range, seed: seed)
    load.run(wishes: warmUp(range))
    load.beginCounting()
    let begin = MonotonicClock.nanoseconds()
    load.run(wishes: pagesHandled / range)
    let spent = MonotonicClock.nanoseconds() - begin
    return Double(spent) / Double(load.pagesHandled)
  }

  private func warmUp(_ range: Int) -> Int { max(1, 4 * pages / range) }
}
