@testable import GuestMemory

/// Reported means: free, reported whole, and nobody's since. Facts, section 7.
///
/// Where parts of a split block stay reported (since 6.1, 3.3), a flagged block is made of what was reported; otherwise it
/// is one that was.
final class ReportedWatch: ScheduleWatch {
  private let guest: Guest
  private let capacity: Int
  private let keepsParts: Bool
  /// Reported and free ever since, as blocks; of ``keepsParts`` granules.
  private var known: Set<Block> = []
  /// With the host, or not put back yet.
  private var away: [Block] = []
  /// Flags seen, over all runs.
  private(set) var sightings = 0

  init(_ guest: Guest, capacity: Int, keepsParts: Bool = false) {
    self.guest = guest
    self.capacity = capacity
    self.keepsParts = keepsParts
  }

  func begin() {
    known = []
    away = []
  }

  func didReport(_ blocks: [Block]) -> [String] {
    away = blocks
    known.formUnion(keepsParts ? blocks.flatMap(granules) : blocks)
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

  private func forget() {
    if keepsParts {
      known.formIntersection((guest.freeBlocks() + away).flatMap(granules))
    } else {
      known = known.filter { away.contains($0) || guest.isFree($0) }
    }
  }

  private func granules(_ block: Block) -> [Block] {
    let order = guest.core.granuleOrder
    return stride(from: block.pfn, to: block.end, by: 1 << order).map { Block(pfn: $0, order: order) }
  }

  func faults() -> [String] {
    var faults: [String] = []
    for block in guest.freeBlocks() where guest.core.page(block.pfn).isReported {
      sightings += 1
      if !known.isSuperset(of: keepsParts ? granules(block) : [block]) {
        faults.append("\(block) is flagged as reported and wasn't since it became free")
      }
    }
    return faults
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(known)
    hasher.combine(Set(away))
  }
}
