@testable import GuestMemory
@testable import Hinting

/// A second telling of ``ResumableWalk``, from the lists as they stand: which entries each hold must look at and copy,
/// so that a saved node that isn't where it was can be seen never to be followed. Facts, section 2. Of one zone.
final class ResumeWatch: ScheduleWatch {
  /// What has become of the saved node when the walk comes back for it.
  enum Situation: CaseIterable {
    /// Still where it was.
    case inPlace
    /// Freed again, to another place of the same list.
    case freedAgain
    case merged
    /// On another migratetype's list.
    case moved
    case allocated
    /// On a per-CPU list, which uses its lru.
    case onPerCPUList
  }

  private let guest: Guest
  private let lowestOrder: Int
  private let perHold: Int
  private let restartsPerList: Int
  /// Over all runs.
  private(set) var met: [Situation: Int] = [:]
  var sightings: Int { met.values.reduce(0, +) }

  private var order = 0
  private var type = Migratetype.unmovable
  private var saved: Block?
  private var wasUntouched = false
  private var restarts = 0
  private var allRestarts = 0
  private var gaveUp = false
  private var items = 0
  private var copied: [Block] = []
  /// Where the walk will be when this hold is over.
  private var isListDone = false
  private var isLost = false

  init(_ guest: Guest, lowestOrder: Int, perHold: Int, restartsPerList: Int) {
    self.guest = guest
    self.lowestOrder = lowestOrder
    self.perHold = perHold
    self.restartsPerList = restartsPerList
  }

  func begin() {
    order = guest.core.highestOrder
    type = .unmovable
    saved = nil
    restarts = 0
    allRestarts = 0
    gaveUp = false
    copied = []
  }

  private func nextList() {
    saved = nil
    restarts = 0
    type = Migratetype(rawValue: type.rawValue + 1)
    if type.rawValue == Migratetype.count {
      type = .unmovable
      order -= 1
    }
  }

  func willAcquire() {
    // An empty list isn't worth a lock.
    while saved == nil && order >= lowestOrder && guest.list(order: order, type).isEmpty { nextList() }
  }

  func didAcquire() {
    items = 0
    isListDone = false
    isLost = false
    var rest: ArraySlice<Block>
    var own = type
    if let block = saved {
      met[situation(of: block), default: 0] += 1
      // On whichever list it stands, if it is a block of this order at all.
      let place = Migratetype.allCases.lazy.compactMap { [guest, order] type in
        guest.list(order: order, type).firstIndex(of: block).map { (type, $0) }
      }.first
      guard let (list, index) = place else {
        items = 1
        isLost = true
        return
      }
      own = list
      rest = guest.list(order: order, list)[index...]
    } else {
      rest = guest.list(order: order, type)[...]
    }
    let now = rest.prefix(perHold)
    rest = rest.dropFirst(perHold)
    items = now.count
    copied += now
    if let next = rest.first {
      saved = next
      wasUntouched = guest.core.page(next.pfn).isUntouchedBuddy
    } else if own == type {
      isListDone = true
    } else {
      isLost = true
    }
  }

  private func situation(of block: Block) -> Situation {
    let core = guest.core
    let page = core.page(block.pfn)
    if page.isBuddy && page.order == block.order {
      if !guest.list(order: order, type).contains(block) { return .moved }
      // A block that leaves a list is marked touched.
      return page.isUntouchedBuddy == wasUntouched ? .inPlace : .freedAgain
    }
    if guest.freeBlocks(fromOrder: order).contains(where: { $0.pfn <= block.pfn && block.end <= $0.end }) {
      return .merged
    }
    return page.pointer.pointee.refcount == 0 && !page.isUnlinked ? .onPerCPUList : .allocated
  }

  func didRelease(items seen: Int) -> [String] {
    let expected = items
    if isLost {
      saved = nil
      restarts += 1
      allRestarts += 1
      if restarts > restartsPerList {
        gaveUp = true
        nextList()
      }
    } else if isListDone {
      nextList()
    }
    return seen == expected ? [] : ["a hold looked at \(seen) entries, from a node that is checked it is \(expected)"]
  }

  func didSend(_ blocks: [Block]) -> [String] {
    defer { copied = [] }
    return blocks == copied ? [] : ["sent \(blocks), the lists had \(copied)"]
  }

  func didEnd(_ outcome: Outcome, restarts seen: Int) -> [String] {
    let expected: Outcome = gaveUp ? .limit : .complete
    return outcome == expected && seen == allRestarts
      ? [] : ["ended \(outcome.name) after \(seen) restarts, not \(expected.name) after \(allRestarts)"]
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(order)
    hasher.combine(type)
    hasher.combine(saved)
    hasher.combine(wasUntouched)
    hasher.combine(restarts)
    hasher.combine(gaveUp)
  }
}
