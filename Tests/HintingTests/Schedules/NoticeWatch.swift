@testable import GuestMemory
@testable import Hinting

/// What somebody has in use the host may not drop: it was told of it before. Facts since 6.1, 3.5.
final class NoticeWatch: ScheduleWatch {
  private let guest: Guest
  private let hooks: NoticingPageReporting.Hooks
  /// Granules that the host may drop.
  private var droppable: Set<UInt64> = []
  private var inUse: Set<UInt64> = []
  private var heard = 0
  /// Notices, over all runs.
  private(set) var sightings = 0

  init(_ bench: Bench<NoticingPageReporting>) {
    guest = bench.guest
    hooks = bench.hooks
  }

  func begin() {
    droppable = []
    inUse = []
    heard = 0
  }

  func didReport(_ blocks: [Block]) -> [String] {
    droppable.formUnion(blocks.flatMap(granules))
    return []
  }

  func didStep(_ held: [Block]) {
    inUse = Set(held.flatMap(granules))
    let notices = Int(hooks.notices)
    for block in hooks.lastNotices.suffix(notices - heard) { droppable.subtract(granules(block)) }
    sightings += notices - heard
    heard = notices
  }

  func faults() -> [String] {
    droppable.intersection(inUse).min().map { ["pfn \($0) is in use, and the host may still drop it"] } ?? []
  }

  private func granules(_ block: Block) -> [UInt64] {
    Array(stride(from: block.pfn, to: block.end, by: 1 << guest.core.granuleOrder))
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(droppable)
    hasher.combine(inUse)
    hasher.combine(heard)
  }
}
