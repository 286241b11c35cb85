@testable import GuestMemory
@testable import Hinting

/// The map is exact: a bit is set while its block, or a larger one with it, is on a list. What the map calls known to the
/// host was reported and free ever since.
final class BlockMapWatch: ScheduleWatch {
  private let guest: Guest
  private let map: BlockMap
  /// Blocks off the lists at once; nil where blocks are only named.
  private let capacity: Int?
  /// Reported and free ever since, in the map's blocks.
  private var known: Set<Block> = []
  /// With the host, or not put back yet.
  private var away: [Block] = []
  /// Bits seen set, over all runs.
  private(set) var sightings = 0

  init(_ guest: Guest, _ map: BlockMap, capacity: Int?) {
    self.guest = guest
    self.map = map
    self.capacity = capacity
  }

  func begin() {
    known = []
    away = []
  }

  func didReport(_ blocks: [Block]) -> [String] {
    away = blocks
    known.formUnion(blocks.flatMap(parts))
    guard let capacity else { return ["\(blocks.count) blocks reported"] }
    return blocks.count <= capacity ? [] : ["\(blocks.count) blocks off the lists, the capacity is \(capacity)"]
  }

  func didStep(_ held: [Block]) { forget() }

  func didRelease(items: Int) -> [String] {
    if !away.isEmpty {
      let free = PageRuns(guest.freeBlocks())
      away.removeAll { free.contains($0) }
    }
    forget()
    return []
  }

  private func forget() { known.formIntersection((guest.freeBlocks() + away).flatMap(parts)) }

  private func parts(_ block: Block) -> [Block] {
    guard block.order >= map.order else { return [] }
    return stride(from: block.pfn, to: block.end, by: 1 << map.order).map { Block(pfn: $0, order: map.order) }
  }

  func faults() -> [String] {
    var faults: [String] = []
    for zone in guest.core.zones {
      let free = Set(guest.freeBlocks(zone: zone.index).filter { $0.order >= map.order }.flatMap(parts))
      let (first, end) = map.words(of: zone)
      for word in stride(from: first, to: end, by: 2) {
        for bit in 0..<64 {
          let pfn = map.pfn(ofWord: word, zone: zone.index) + UInt64(bit) << UInt64(map.order)
          let block = Block(pfn: pfn, order: map.order)
          let isSet = map.words[word] >> UInt64(bit) & 1 != 0
          let isPending = map.words[word + 1] >> UInt64(bit) & 1 != 0
          if isSet { sightings += 1 }
          if isSet != free.contains(block) { faults.append("\(block) has its bit \(isSet ? "set" : "clear")") }
          if isPending && !isSet { faults.append("\(block) isn't free and is to be reported") }
          if isSet && !isPending && !known.contains(block) {
            faults.append("\(block) is known to the host, and wasn't reported since it became free")
          }
        }
      }
    }
    return faults
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(known)
    hasher.combine(Set(away))
    // What the next pass finds.
    for index in BlockMap.first..<map.words.count { hasher.combine(map.words[index]) }
  }
}
