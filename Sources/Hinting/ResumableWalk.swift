import Delivery
import GuestMemory
import Instruments

/// The walk that both strategies of the v8 thread share: a few entries per hold; between holds only the block to
/// continue from is kept.
///
/// That block may have been allocated, merged or moved to another list meanwhile. The walk trusts it if it is still
/// Buddy and of the same order and zone; otherwise it restarts the list, and its blocks are reported twice. A page
/// doesn't tell which migratetype's list it is on: a walk that was led to another list notices at that list's end and
/// restarts its own. A block that left and came back at another place of the list (ABA) isn't noticed: the blocks in
/// between are missed or reported twice. Checking whether `->next` is NULL, as was proposed, would notice nothing,
/// since list_del() poisons the link.
struct ResumableWalk {
  private let buffer: HintBuffer
  private let perHold: Int
  private let restartsPerList: Int
  private let trustsNullTest: Bool

  init(_ buffer: HintBuffer, perHold: Int, restartsPerList: Int, trustsNullTest: Bool = false) {
    self.buffer = buffer
    self.perHold = perHold
    self.restartsPerList = restartsPerList
    self.trustsNullTest = trustsNullTest
  }

  /// The result of one hold.
  private enum Step {
    case more
    case listDone
    case lost
    case followedPoison
  }

  @inline(__always)
  func run<Probe: LockProbe, Hooks: AllocatorHooks, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    let core = cpu.core
    var position = 0
    var gaveUp = false
    for zone in session.zones(core) {
      var order = core.highestOrder
      while order >= session.lowestOrder {
        for type in 0..<core.migratetypes {
          var cursor: UInt64? = nil
          var restarts = 0
          list: while true {
            if session.stop.isSet { return .stopped }
            if position &+ 2 &* perHold > buffer.capacity {
              sink.send(buffer, words: position, .baseAndSize, descriptors: 1)
              position = 0
            }
            switch step(&cpu, core.zone(zone), order, Migratetype(index: type), &cursor, &position) {
            case .more: continue
            case .listDone: break list
            case .lost:
              cursor = nil
              restarts &+= 1
              session.restarts &+= 1
              if restarts > restartsPerList {
                gaveUp = true
                break list
              }
            case .followedPoison:
              return .error(
                "continue_node was off its list; its next pointer is LIST_POISON1, not NULL, and the kernel would "
                  + "have oopsed"
              )
            }
          }
        }
        order &-= 1
      }
    }
    if position > 0 { sink.send(buffer, words: position, .baseAndSize, descriptors: 1) }
    return gaveUp ? .limit : .complete
  }

  @inline(__always)
  private func step<Probe: LockProbe, Hooks: AllocatorHooks, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ zone: Zone, _ order: Int, _ type: Migratetype,
    _ cursor: inout UInt64?,
    _ position: inout Int
  ) -> Step {
    // An empty list isn't worth a lock; blocks freed later aren't guaranteed to be reported.
    if cursor == nil && zone.freeList(order: order, type).isEmptyUnlocked { return .listDone }
    var offset = position
    var resumeAt = cursor
    defer {
      position = offset
      cursor = resumeAt
    }
    let perHold = perHold
    let buffer = buffer
    let trustsNullTest = trustsNullTest
    return cpu.withZoneLocked(zone) { hold in
      let core = hold.core
      let list = hold.freeList(order: order, type)
      var next: Page?
      if let pfn = resumeAt {
        let page = core.page(pfn)
        if !hold.isListed(page, order: order) {
          hold.items &+= 1
          return trustsNullTest && page.isUnlinked ? .followedPoison : .lost
        }
        next = page
      } else {
        next = list.first
      }
      let length: UInt64 = (1 &<< UInt64(order)) &<< 12
      var left = perHold
      while let page = next {
        if left == 0 {
          resumeAt = core.pfn(page)
          return .more
        }
        hold.items &+= 1
        buffer.store(core.address(page), at: offset)
        buffer.store(length, at: offset &+ 1)
        offset &+= 2
        left &-= 1
        switch hold.follower(of: page, on: list) {
        case .page(let follower): next = follower
        case .end: next = nil
        case .endOfAnotherList: return .lost
        }
      }
      return .listDone
    }
  }
}
