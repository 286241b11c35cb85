@testable import GuestMemory
@testable import Hinting

/// page-reporting's hooks on the other CPUs, but that a block that leaves its list stays flagged.
struct KeepsReported: AllocatorHooks {
  let hooks: PageReporting.Hooks

  func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {
    hooks.didFree(page, pfn: pfn, zone, order: order, type)
  }
}

/// The hooks of keep-reported=on on the other CPUs, but that a block is marked once one of the two it merged from was.
struct KeepsHalfReported: AllocatorHooks {
  let hooks: KeepingPageReporting.Hooks

  static var marksBlocks: Bool { true }
  func marks(_ page: Page) -> UInt64 { hooks.marks(page) }
  func marks(_ marks: UInt64, mergedWith others: UInt64) -> UInt64 { marks | others }

  func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {
    hooks.willRemove(page, pfn: pfn, zone, order: order)
  }

  func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {
    hooks.didFree(page, pfn: pfn, zone, order: order, type)
  }
}

/// The hooks of keep-reported=notice on the other CPUs, but that only the first page of a block has the mark: the other
/// parts of one that is split are handed out untold.
struct TellsFirstPartOnly: AllocatorHooks {
  let hooks: NoticingPageReporting.Hooks

  func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {
    hooks.willRemove(page, pfn: pfn, zone, order: order)
  }

  func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {
    hooks.didFree(page, pfn: pfn, zone, order: order, type)
  }

  func didAllocate(_ page: Page, pfn: UInt64, order: Int) { hooks.didAllocate(page, pfn: pfn, order: order) }
}

/// v5's hooks on the other CPUs, but that the boundary isn't moved on when the block it points at leaves.
struct KeepsBoundary: AllocatorHooks {
  let hooks: PageReportingBoundary.Hooks

  func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) { clear(page, zone, order) }
  func willMove(_ page: Page, _ zone: Zone, order: Int) { clear(page, zone, order) }

  private func clear(_ page: Page, _ zone: Zone, _ order: Int) {
    guard order >= hooks.lowest, page.isReported else { return }
    page.setReported(false)
    hooks.words[hooks.reported(zone, order)] &-= 1
  }

  func tail(of list: FreeList, _ zone: Zone, order: Int, _ type: Migratetype) -> FreeList.Position {
    hooks.tail(of: list, zone, order: order, type)
  }

  func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {
    hooks.didFree(page, pfn: pfn, zone, order: order, type)
  }
}

/// v5's hooks on the other CPUs, but that nothing is counted down.
struct KeepsCount: AllocatorHooks {
  let hooks: PageReportingBoundary.Hooks

  func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) { forget(page, zone, order) }
  func willMove(_ page: Page, _ zone: Zone, order: Int) { forget(page, zone, order) }

  private func forget(_ page: Page, _ zone: Zone, _ order: Int) {
    guard order >= hooks.lowest, page.isReported else { return }
    hooks.willMove(page, zone, order: order)
    hooks.words[hooks.reported(zone, order)] &+= 1
  }

  func tail(of list: FreeList, _ zone: Zone, order: Int, _ type: Migratetype) -> FreeList.Position {
    hooks.tail(of: list, zone, order: order, type)
  }

  func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {
    hooks.didFree(page, pfn: pfn, zone, order: order, type)
  }
}

/// block-map on the other CPUs, but that one thing isn't noted: what is freed, what is split off or put back by a merge,
/// what is taken, or that what is taken was to be reported.
struct ForgetsBits: AllocatorHooks {
  enum Fault: String, CaseIterable {
    case added
    case splitOff = "split off"
    case removed, cleared, word
  }

  let map: BlockMap
  let fault: Fault

  func didAdd(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {
    if order < map.order || fault == .added { return }
    if fault == .splitOff && order == map.order { return }
    // As if the zones' words weren't their own, or a large block had one bit.
    map.add(pfn, zone: zone.index, order: fault == .word ? map.order : order)
  }

  func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {
    if order < map.order || fault == .removed { return }
    if fault == .cleared {
      // Only that it is free is taken back.
      let word = map.word(pfn, zone: zone.index)
      map.words[word] &= ~map.mask(pfn, order: order)
      return
    }
    map.remove(pfn, zone: zone.index, order: order)
  }
}

/// bitmap-hinting on the other CPUs, but that their frees set no bit.
struct KeepsBitClear: AllocatorHooks {
  func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {}
}
