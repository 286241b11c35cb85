import Delivery
import GuestMemory

@testable import Bench

/// What ``SessionAccount`` says, counted page by page and block by block in the plainest way there is.
struct PageByPageAccount {
  var zones: [SessionAccount.Tally] = []
  var total = SessionAccount.Tally()

  /// At a session's end, as ``SessionAccount``.
  init(_ guest: Guest, lowestOrder: Int, hints: [HintLog.Hint]) {
    let start = guest.snapshot?.blocks(fromOrder: 0) ?? []
    let freeNow = guest.freeBlocks()
    for zone in guest.core.zones {
      func isInside(_ block: Block) -> Bool { zone.startPFN <= block.pfn && block.pfn < zone.endPFN }
      var tally = SessionAccount.Tally()
      var freeAtStart = PageBitmap(guest)
      var reported = PageBitmap(guest)
      var free = PageBitmap(guest)
      for block in freeNow where isInside(block) { free.insert(block) }
      for block in start where isInside(block) {
        tally.bytesFreeAllOrders += block.pages * 4096
        if block.order < lowestOrder { continue }
        tally.blocksFree += 1
        tally.bytesFree += block.pages * 4096
        freeAtStart.insert(block)
      }
      var met: Set<UInt64> = []
      for hint in hints where isInside(hint.block) {
        tally.blocksReported += 1
        if !met.insert(hint.block.rawValue).inserted { tally.blocksDuplicate += 1 }
        reported.insert(hint.block)
      }
      var judged: Set<UInt64> = []
      for hint in hints where isInside(hint.block) && !hint.isHeld && judged.insert(hint.block.rawValue).inserted {
        if !free.containsAll(hint.block) { tally.blocksStale += 1 }
      }
      for block in start where isInside(block) && block.order >= lowestOrder {
        if !reported.containsAll(block) && guest.isUntouched(block) { tally.blocksMissed += 1 }
      }
      tally.bytesReported = reported.pages * 4096
      tally.bytesCovered = reported.pages(commonWith: freeAtStart) * 4096
      zones.append(tally)

      total.blocksFree += tally.blocksFree
      total.bytesFree += tally.bytesFree
      total.bytesFreeAllOrders += tally.bytesFreeAllOrders
      total.blocksReported += tally.blocksReported
      total.blocksDuplicate += tally.blocksDuplicate
      total.bytesReported += tally.bytesReported
      total.bytesCovered += tally.bytesCovered
      total.blocksMissed += tally.blocksMissed
      total.blocksStale += tally.blocksStale
    }
  }

  /// Where the account differs from this, in words; nil if it doesn't.
  func difference(from account: SessionAccount) -> String? {
    if account.total != total { return "in all: \(account.total), page by page \(total)" }
    for (index, pair) in zip(account.zones, zones).enumerated() where pair.0 != pair.1 {
      return "zone \(index): \(pair.0), page by page \(pair.1)"
    }
    return account.zones.count == zones.count ? nil : "\(account.zones.count) zones of \(zones.count)"
  }
}
