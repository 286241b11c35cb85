@testable import GuestMemory

/// Reported means: free, of the order it was reported with, and not away since. Facts, section 7.
final class ReportedWatch: ScheduleWatch {
  private let guest: Guest
  private let capacity: Int
  /// Reported and free ever since.
  private var known: Set<Block> = []
  /// With the host.
  private var away: Set<Block> = []
  /// Flags seen, over all runs.
  private(set) var sightings = 0

  init(_ guest: Guest, capacity: Int) {
    self.guest = guest
    self.capacity = capacity
  }

  func begin() {
    known = []
    away = []
  }

  func didReport(_ blocks: [Block]) -> [String] {
    away = Set(blocks)
    known.formUnion(blocks)
    return blocks.count <= capacity ? [] : ["\(blocks.count) blocks off the lists, the capacity is \(capacity)"]
  }

  func didStep() { forget() }

  func didRelease(items: Int) -> [String] {
    away = []
    forget()
    return []
  }

  private func forget() {
    known = known.filter { block in
      let page = guest.core.page(block.pfn)
      return away.contains(block) || page.isBuddy && page.order == block.order
    }
  }

  func faults() -> [String] {
    var faults: [String] = []
    for block in guest.freeBlocks() where guest.core.page(block.pfn).isReported {
      sightings += 1
      if !known.contains(block) { faults.append("\(block) is flagged as reported and wasn't since it became free") }
    }
    return faults
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(known)
    hasher.combine(away)
  }
}
