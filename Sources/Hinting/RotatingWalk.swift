import Delivery
import GuestMemory
import Instruments

/// A walk of free lists in bounded holds whose position is the list itself: a hold names the first blocks, and rotates the
/// list so that the next one leads.
///
/// Nothing is kept across the unlock that could be gone: what was passed is behind all that wasn't. What others free
/// meanwhile comes to the head and is next, or to the tail. A list is done when the first block that was passed leads again,
/// which is only compared and never followed, or once as many were passed as there were blocks of the order at the start,
/// of all types. So each list takes a bounded number of holds, whatever others do, and restarts nothing. On an idle guest the
/// list has gone round once and stands as it stood.
///
/// A block that others take and free again may be named twice.
enum RotatingWalk {
  /// How many blocks one hold may name.
  protocol Batch {
    var blocks: Int { get }
    /// A hold that named so many took so long. Clock ticks.
    mutating func note(blocks: Int, ticks: UInt64)
  }

  /// Always the same number.
  struct Fixed: Batch {
    let blocks: Int
    @inline(__always) mutating func note(blocks: Int, ticks: UInt64) {}
  }

  /// Names the blocks of a zone's lists, from the highest order down to `lowest`. Returns false if the host stopped it.
  @inline(__always)
  static func run<Probe: LockProbe, Hooks: AllocatorHooks, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ zone: Zone, lowest: Int,
    _ pairs: inout HintPairs, _ batch: inout some Batch
  ) -> Bool {
    var order = cpu.core.highestOrder
    while order >= lowest {
      for type in 0..<cpu.core.migratetypes {
        let isDone = run(&cpu, &sink, stop, zone, order: order, Migratetype(index: type), &pairs, &batch)
        if !isDone { return false }
      }
      order &-= 1
    }
    return true
  }

  /// Names a list's blocks. Returns false if the host stopped it.
  @inline(__always)
  private static func run<Probe: LockProbe, Hooks: AllocatorHooks, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ zone: Zone, order: Int,
    _ type: Migratetype, _ pairs: inout HintPairs, _ batch: inout some Batch
  ) -> Bool {
    // An empty list isn't worth a lock; what is freed later isn't promised.
    if zone.freeList(order: order, type).isEmptyUnlocked { return true }
    var first: Page?
    var left: Int?
    while true {
      if stop.isSet { return false }
      let most = batch.blocks
      pairs.makeRoom(for: most, &sink)
      var out = pairs
      var passed = 0
      let begin = CycleClock.begin()
      let isDone = cpu.withZoneLocked(zone) { hold in
        let core = hold.core
        let list = hold.freeList(order: order, type)
        var room = left ?? Int(truncatingIfNeeded: hold.zone.blocksFree(order: order))
        defer { left = room }
        var next = list.first
        while let page = next {
          if page == first || room == 0 || passed == most {
            hold.rotate(list, toFront: page)
            return page == first || room == 0
          }
          hold.items &+= 1
          if first == nil { first = page }
          out.append(Block(pfn: core.pfn(page), order: order))
          passed &+= 1
          room &-= 1
          next = list.next(after: page)
        }
        return true
      }
      batch.note(blocks: passed, ticks: CycleClock.end() &- begin)
      pairs = out
      if isDone { return true }
    }
  }
}
