import GuestMemory
import Instruments

/// The figures of a load in one mode.
public struct PageCacheFigures: Sendable, Hashable {
  public var counts = StateCounts()
  public var pagesHandled = 0
  public var hits = 0
  public var readIns = 0
  /// The host's counts.
  public var freed = 0
  public var discarded = 0
  public var preserved = 0

  /// The share of pages taken by the host that were discarded rather than written to swap; frames without content
  /// excluded.
  public var discardedShare: Double? {
    discarded + preserved == 0 ? nil : Double(discarded) / Double(discarded + preserved)
  }
}

/// Passes of ``PageCacheLoad``: first until memory is full, then until the given number of pages was requested.
///
/// Defined in this module so that the measured path is specialised for its types.
extension PageFrames {
  /// Runs the counted pass, with a host that takes a frame for each page the guest's users request.
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

  /// Runs the timed pass, without the host and without counting. Nanoseconds per requested page.
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
