import Delivery
import GuestMemory
import Instruments

/// A walk over the heads that blocks of an order could have, in address order: what isn't free costs as much as what is, but
/// nobody waits for one page to know the next.
///
/// Heads are read without the lock, as compaction's free scanner reads them: page_type, then the order, which may be of
/// another moment. So an order is checked to be one, and where the order read is that of a block that is gone, the walk
/// steps over at most a block of that order: its pages may be free by then and are missed, or in use and were named. Both
/// are what a hint may be under a log of writes.
enum PFNWalk {
  /// Names a zone's free blocks of at least `lowest`. `ahead`: how many heads before it is read a line is asked for. Returns
  /// false if the host stopped it.
  @inline(__always)
  static func run<Sink: HintSink>(
    _ core: GuestCore, _ sink: inout Sink, _ stop: StopFlag, _ zone: Zone, lowest: Int, ahead: Int,
    _ pairs: inout HintPairs
  ) -> Bool {
    let order = max(lowest, core.granuleOrder)
    let step: UInt64 = 1 &<< UInt64(truncatingIfNeeded: order)
    let distance = UInt64(truncatingIfNeeded: ahead) &* step
    let end = zone.startPFN &+ zone.spannedPages
    var pfn = zone.startPFN & ~(step &- 1)
    var asked = pfn
    while pfn < end {
      if stop.isSet { return false }
      // Some at a time, so that the flag isn't read for each.
      let pause = min(end, pfn &+ 64 &* step)
      while pfn < pause {
        while asked < end && asked <= pfn &+ distance {
          core.page(asked).prefetch()
          asked &+= step
        }
        guard let found = core.page(pfn).freeOrderUnlocked, found >= order else {
          pfn &+= step
          continue
        }
        pairs.makeRoom(for: 1, &sink)
        // A block begins where its order says, or the order is of another moment.
        let size: UInt64 = 1 &<< UInt64(truncatingIfNeeded: found)
        let isWhole = pfn & (size &- 1) == 0
        pairs.append(Block(pfn: pfn, order: isWhole ? found : order))
        pfn &+= isWhole ? size : step
      }
    }
    return true
  }
}
