@testable import GuestMemory

/// The allocator's rules once more over plain arrays, written from the rules and not from the code: one zone, granule
/// 0.
struct ReferenceBuddy {
  var span: Range<UInt64>
  var highestOrder: Int
  var pageblockOrder: Int
  /// [order][type]: PFNs, head first.
  var lists: [[[UInt64]]]
  /// Where a free block stands.
  var free: [UInt64: (order: Int, type: Int)] = [:]
  var pageblocks: [UInt64: Int] = [:]
  /// Pages that are allocated and movable.
  var movable: Set<UInt64> = []
  var boost: UInt64 = 0
  let highMark: UInt64

  init(_ guest: Guest) {
    let zone = guest.core.zone(0)
    span = zone.startPFN..<zone.endPFN
    highestOrder = guest.core.highestOrder
    pageblockOrder = guest.core.pageblockOrder
    highMark = zone.watermark(.high)
    lists = Array(repeating: Array(repeating: [], count: 5), count: 11)
    for list in Picture(guest).lists {
      lists[list.order][list.type] = list.pfns
      for pfn in list.pfns { free[pfn] = (list.order, list.type) }
    }
    for pfn in stride(from: span.lowerBound, to: span.upperBound, by: 1) where pfn % (1 << UInt64(pageblockOrder)) == 0
    {
      pageblocks[pfn >> UInt64(pageblockOrder)] = 1
    }
    pageblocks[span.lowerBound >> UInt64(pageblockOrder)] = 1
  }

  func type(of pfn: UInt64) -> Int { pageblocks[pfn >> UInt64(pageblockOrder)]! }

  private mutating func unlist(_ pfn: UInt64) {
    let (order, type) = free.removeValue(forKey: pfn)!
    lists[order][type].removeAll { $0 == pfn }
  }

  private mutating func list(_ pfn: UInt64, _ order: Int, _ type: Int, tail: Bool) {
    free[pfn] = (order, type)
    if tail { lists[order][type].append(pfn) } else { lists[order][type].insert(pfn, at: 0) }
  }

  mutating func release(_ start: UInt64, order startOrder: Int) {
    movable.remove(start)
    let type = type(of: start)
    var pfn = start
    var order = startOrder
    while order < highestOrder {
      let buddy = pfn ^ (1 << UInt64(order))
      guard let other = free[buddy], other.order == order else { break }
      if order >= pageblockOrder {
        let otherType = self.type(of: buddy)
        if type != otherType && (type >= 3 || otherType >= 3) { break }
      }
      unlist(buddy)
      pfn = min(pfn, buddy)
      order += 1
    }
    var tail = false
    if order <= highestOrder - 2 {
      let pair = pfn & ~(UInt64(2) << UInt64(order) - 1)
      tail = free[pair ^ (UInt64(2) << UInt64(order))].map { $0.order == order + 1 } ?? false
    }
    list(pfn, order, type, tail: tail)
  }

  private mutating func smallest(_ order: Int, _ type: Int) -> UInt64? {
    guard let found = (order...highestOrder).first(where: { !lists[$0][type].isEmpty }) else { return nil }
    let pfn = lists[found][type][0]
    unlist(pfn)
    for half in (order..<found).reversed() { list(pfn + (1 << UInt64(half)), half, type, tail: false) }
    return pfn
  }

  mutating func take(order: Int, _ type: Int, avoidFragmentation: Bool) -> UInt64? {
    while true {
      if let pfn = smallest(order, type) {
        if type == 1 { movable.insert(pfn) }
        return pfn
      }
      guard steal(order, type, avoidFragmentation) else { return nil }
    }
  }

  private mutating func steal(_ order: Int, _ type: Int, _ avoidFragmentation: Bool) -> Bool {
    let rows = [[2, 1], [2, 0], [0, 1]]
    let lowest = avoidFragmentation ? max(order, pageblockOrder) : order
    guard lowest <= highestOrder else { return false }
    func from(_ order: Int) -> Int? { rows[type].first { !lists[order][$0].isEmpty } }
    guard var current = (lowest...highestOrder).last(where: { from($0) != nil }) else { return false }
    func whole(_ order: Int) -> Bool { order >= pageblockOrder / 2 || type != 1 }
    if !whole(current) && current > order { current = (order...highestOrder).first { from($0) != nil }! }
    claim(lists[current][from(current)!][0], current, type, whole(current))
    return true
  }

  private mutating func claim(_ pfn: UInt64, _ order: Int, _ type: Int, _ whole: Bool) {
    let blockType = self.type(of: pfn)
    if blockType == 3 { return move(pfn, type) }
    if order >= pageblockOrder {
      for n in 0..<(UInt64(1) << UInt64(order - pageblockOrder)) {
        pageblocks[pfn >> UInt64(pageblockOrder) + n] = type
      }
      return move(pfn, type)
    }
    let size = UInt64(1) << UInt64(pageblockOrder)
    if UInt64(span.count) >= 4 * size { boost = min(boost + size, max(size, highMark * 3 / 2)) }
    if !whole { return move(pfn, type) }
    let start = pfn / size * size
    if start + size > span.upperBound { return move(pfn, type) }
    let inside = (start < span.lowerBound ? pfn : start)..<(start + size)
    var freePages = 0
    for block in free.keys.filter(inside.contains).sorted() {
      freePages += 1 << free[block]!.order
      move(block, type)
    }
    let movablePages = movable.count(where: inside.contains)
    let alike = type == 1 ? movablePages : blockType == 1 ? Int(size) - freePages - movablePages : 0
    if freePages + alike >= Int(size) / 2 { pageblocks[start / size] = type }
  }

  private mutating func move(_ pfn: UInt64, _ type: Int) {
    let order = free[pfn]!.order
    unlist(pfn)
    list(pfn, order, type, tail: true)
  }

  /// As ``Picture/lists`` shows them.
  var pictured: [Picture.List] {
    lists.enumerated().flatMap { order, types in
      types.enumerated().compactMap { type, pfns in
        pfns.isEmpty ? nil : Picture.List(zone: 0, order: order, type: type, pfns: pfns)
      }
    }
  }
}
