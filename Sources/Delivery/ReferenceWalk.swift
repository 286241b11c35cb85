import CHost
import GuestMemory
import Instruments

extension Guest {
  /// The walk every whole-list strategy makes, in C and with nothing around it: the address of each free block of at
  /// least `order`, list by list, stored into `buffer`, which has room for all of them. What the machine can do at best
  /// on these lists in this state of the caches.
  ///
  /// - Returns: blocks walked and clock ticks taken.
  public func referenceWalk(fromOrder order: Int, into buffer: HintBuffer) -> (blocks: Int, ticks: UInt64) {
    let lists = filledLists(fromOrder: order, into: buffer).map { UnsafePointer($0.address) }
    let base = UInt64(UInt(bitPattern: core.vmemmapAddress))
    var walked = 0
    let begin = CycleClock.begin()
    for list in lists {
      walked &+= chost_walk_list(list, base, UInt32(6 + core.granuleOrder), buffer.words + walked)
    }
    return (walked, CycleClock.end() &- begin)
  }

  /// The same walk in Swift, without a lock.
  public func plainWalk(fromOrder order: Int, into buffer: HintBuffer) -> (blocks: Int, ticks: UInt64) {
    let lists = filledLists(fromOrder: order, into: buffer)
    let core = core
    var walked = 0
    let begin = CycleClock.begin()
    for list in lists {
      for page in list {
        buffer.store(core.address(page), at: walked)
        walked &+= 1
      }
    }
    return (walked, CycleClock.end() &- begin)
  }

  /// Every list of at least `order` with something on it, whose blocks `buffer` must have room for.
  private func filledLists(fromOrder order: Int, into buffer: HintBuffer) -> [FreeList] {
    var lists: [FreeList] = []
    var blocks = 0
    for zone in core.zones {
      for order in (order...max(order, core.highestOrder)).reversed() where order <= core.highestOrder {
        blocks += Int(zone.blocksFree(order: order))
        for type in Migratetype.allCases where !zone.freeList(order: order, type).isEmpty {
          lists.append(zone.freeList(order: order, type))
        }
      }
    }
    precondition(blocks <= buffer.capacity, "room for \(buffer.capacity) of \(blocks) blocks")
    return lists
  }
}
