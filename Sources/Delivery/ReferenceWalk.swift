import CHost
import GuestMemory
import Instruments

extension Guest {
  /// Walks the lists as every whole-list strategy does, in C and without a lock: stores the address of each free block
  /// of at least `order` into `buffer`, which must have room for all of them. This is the machine's floor for these
  /// lists in this cache state.
  ///
  /// - Returns: the number of blocks walked and the clock ticks taken.
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

  /// Makes the same walk in Swift, without a lock.
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

  /// Returns every non-empty list of at least `order`. `buffer` must have room for their blocks.
  private func filledLists(fromOrder order: Int, into buffer: HintBuffer) -> [FreeList] {
    var lists: [FreeList] = []
    var blocks = 0
    for zone in core.zones {
      for order in (order...max(order, core.highestOrder)).reversed() where order <= core.highestOrder {
        blocks += Int(zone.blocksFree(order: order))
        for type in core.types where !zone.freeList(order: order, type).isEmpty {
          lists.append(zone.freeList(order: order, type))
        }
      }
    }
    precondition(blocks <= buffer.capacity, "room for \(buffer.capacity) of \(blocks) blocks")
    return lists
  }
}
