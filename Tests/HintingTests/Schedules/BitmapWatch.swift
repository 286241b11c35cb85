@testable import GuestMemory
@testable import Hinting

/// Bits are counted, and where nothing splits, merges or is refused every block freed since its report has its bit.
/// Facts, section 8.
final class BitmapWatch: ScheduleWatch {
  private let guest: Guest
  private let hooks: BitmapHinting.Hooks
  private let capacity: Int
  /// Whether each free block must have been reported since it was freed or have its bit.
  private let losesNothing: Bool
  private var reported: Set<Block> = []
  /// Bits seen set, over all runs.
  private(set) var sightings = 0

  /// `losesNothing`: v11's clearing under the lock, and no block but those of the highest order.
  init(_ bench: Bench<BitmapHinting>, capacity: Int, losesNothing: Bool) {
    guest = bench.guest
    hooks = bench.hooks
    self.capacity = capacity
    self.losesNothing = losesNothing
  }

  func begin() { reported = [] }

  func didReport(_ blocks: [Block]) -> [String] {
    reported.formUnion(blocks)
    return blocks.count <= capacity ? [] : ["\(blocks.count) blocks off the lists, the capacity is \(capacity)"]
  }

  func didStep(_ held: [Block]) {
    // What is in use now will have to be reported again; what is with the host is neither Buddy nor referenced.
    reported = reported.filter { guest.core.page($0.pfn).pointer.pointee.refcount == 0 }
  }

  func faults() -> [String] {
    var faults: [String] = []
    for zone in guest.core.zones {
      let area = hooks.area(of: zone)
      let set = (0..<area.bits).count { hooks.words.test(bit: $0, first: area.first) }
      sightings += set
      if losesNothing {
        for block in guest.freeBlocks(fromOrder: hooks.order) where !reported.contains(block) {
          let bit = hooks.bit(block.pfn, area)
          if !hooks.words.test(bit: bit, first: area.first) { faults.append("\(block) lost its bit unreported") }
        }
      }
    }
    return faults
  }

  func didEnd(_ outcome: Outcome, restarts: Int) -> [String] {
    // Between bit and count others run; at rest they agree.
    guest.core.zones.compactMap { zone in
      let area = hooks.area(of: zone)
      let set = (0..<area.bits).count { hooks.words.test(bit: $0, first: area.first) }
      return set == area.count ? nil : "\(set) bits set, \(area.count) counted"
    }
  }

  func hash(into hasher: inout Hasher) { hasher.combine(reported) }
}
