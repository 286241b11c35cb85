import CHost
import GuestMemory
import Instruments

extension Guest {
  /// The walk every whole-list design makes, in C and with nothing around it: the address of each free block of at
  /// least `order`, list by list, stored into `buffer`, which has room for all of them. What the machine can do at best
  /// on these lists in this state of the caches.
  ///
  /// - Returns: blocks walked and clock ticks taken.
  public func referenceWalk(fromOrder order: Int, into buffer: HintBuffer) -> (blocks: Int, ticks: UInt64) {
    var lists: [UnsafePointer<ListHead>] = []
    var blocks = 0
    for zone in core.zones {
      for order in (order...max(order, core.highestOrder)).reversed() where order <= core.highestOrder {
        blocks += Int(zone.blocksFree(order: order))
        for type in Migratetype.allCases where !zone.freeList(order: order, type).isEmpty {
          lists.append(UnsafePointer(zone.freeList(order: order, type).address))
        }
      }
    }
    precondition(blocks <= buffer.capacity, "room for \(buffer.capacity) of \(blocks) blocks")
    let base = UInt64(UInt(bitPattern: core.vmemmapAddress))
    var walked = 0
    let begin = CycleClock.begin()
    for list in lists {
      walked &+= chost_walk_list(list, base, UInt32(6 + core.granuleOrder), buffer.words + walked)
    }
    return (walked, CycleClock.end() &- begin)
  }
}
