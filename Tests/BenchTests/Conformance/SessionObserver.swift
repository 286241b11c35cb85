import Instruments

@testable import Delivery
@testable import GuestMemory

/// Watches one session of a guest in which nothing else runs: judges each hint at the moment the sink gets it, and
/// keeps what the session did.
final class SessionObserver {
  struct Hold: Equatable {
    var zone: Int
    var items: Int
  }

  let guest: Guest
  let lowestOrder: Int
  let stop: StopFlag
  private(set) var hints: [HintLog.Hint] = []
  private(set) var holds: [Hold] = []
  private(set) var kicks = 0
  private(set) var descriptors = 0
  private(set) var pagesWithheld: UInt64 = 0
  private(set) var violations: [Violation] = []
  /// Sets the stop flag after this many holds.
  var stopsAfterHold: Int?
  private(set) var holdsAtStop: Int?
  /// Holds after the stop in which blocks went back. A strategy may give back what it has as soon as it is stopped
  /// (alloc-max-order:stop=return), which takes a hold a block and is no going on: taking one still counts.
  private(set) var holdsGivingBackAfterStop = 0
  private var holdsAtLastReturn = 0

  private var held = PageBitmap?.none
  private var freeSet: Set<UInt64> = []
  private var freeSetIsOf: (UInt64, UInt64)?
  private var pagesNamedWhileHeld: UInt64 = 0
  private lazy var freeAtStart = PageRuns(guest.snapshot?.blocks(fromOrder: 0) ?? [])

  /// Whether a hint may name a part of a free block.
  private let namesParts: Bool

  init(_ guest: Guest, lowestOrder: Int, stop: StopFlag, namesParts: Bool = false) {
    self.guest = guest
    self.namesParts = namesParts
    self.lowestOrder = lowestOrder
    self.stop = stop
  }

  func fail(_ rule: Violation.Rule, _ detail: @autoclosure () -> String) {
    // The first few of a kind say enough.
    if violations.count(where: { $0.rule == rule }) < 3 { violations.append(Violation(rule: rule, detail: detail())) }
  }

  // MARK: what the probe and the sink tell

  func released(zone: Int, items: Int) {
    holds.append(Hold(zone: zone, items: items))
    if let stopsAfterHold, holds.count == stopsAfterHold { setStop() }
  }

  func setStop() {
    stop.set()
    holdsAtStop = holds.count
    holdsAtLastReturn = holds.count
  }

  func sent(descriptors count: Int) {
    kicks += 1
    descriptors += count
  }

  /// One entry of the queue, without a kick.
  func hinted(_ block: Block) {
    descriptors += 1
    named(block)
  }

  func kicked() { kicks += 1 }

  func named(_ block: Block) {
    hints.append(HintLog.Hint(rawValue: block.rawValue))
    guard isPlausible(block) else { return }
    if free().contains(block.rawValue) && guest.isFree(block) { return }
    if namesParts && isPartOfAFreeBlock(block) { return }
    // What the strategy took for its own use it may name: it's the strategy's false hint, and is counted as such.
    let isOwn =
      freeAtStart.contains(block) && !PageRuns(guest.freeBlocks() + guest.perCPUBlocks()).touches(block)
    if isOwn && pagesNamedWhileHeld + block.pages <= pagesWithheld {
      pagesNamedWhileHeld += block.pages
    } else if isOwn || !guest.core.page(block.pfn).isBuddy {
      fail(.notFree, "\(block) is named and isn't free")
    } else {
      fail(.wrongOrder, "\(block) is named, and the free block there is of order \(guest.core.page(block.pfn).order)")
    }
  }

  func reported(_ block: Block) {
    hints.append(HintLog.Hint(rawValue: block.rawValue | 0x80))
    guard isPlausible(block) else { return }
    if held == nil { held = PageBitmap(guest) }
    if held?.containsAny(block) == true { fail(.reportedTwice, "\(block) is reported and was, or a part of it") }
    held?.insert(block)
    if !freeAtStart.contains(block) { fail(.notHeld, "\(block) is reported as held and wasn't free") }
    let page = guest.core.page(block.pfn)
    if page.isBuddy || !page.isUnlinked { fail(.notHeld, "\(block) is reported as held and is on a list") }
    if hints.count % 64 == 1 && PageRuns(guest.freeBlocks() + guest.perCPUBlocks()).touches(block) {
      fail(.notHeld, "\(block) is reported as held and is free in part")
    }
  }

  func took(_ pages: UInt64) { pagesWithheld += pages }

  func returned(_ pages: UInt64) {
    if pages > pagesWithheld { fail(.withheldWrong, "\(pages) pages returned of \(pagesWithheld)") }
    pagesWithheld -= min(pages, pagesWithheld)
    if holdsAtStop != nil && holds.count > holdsAtLastReturn { holdsGivingBackAfterStop += 1 }
    holdsAtLastReturn = holds.count
    // What is free again may be taken and reported again.
    guard held != nil else { return }
    let missing = guest.missingPages()
    var still = PageBitmap(guest)
    for hint in hints where hint.isHeld && missing.contains(hint.block) { still.insert(hint.block) }
    held = still
  }

  /// Nothing is looked for any more: what comes back is only counted.
  func collectingEnded() { held = nil }

  // MARK: judging

  private func isPartOfAFreeBlock(_ block: Block) -> Bool {
    (block.order...guest.core.highestOrder).contains { order in
      let whole = Block(pfn: block.pfn & ~((1 << UInt64(order)) - 1), order: order)
      return free().contains(whole.rawValue) && guest.isFree(whole)
    }
  }

  private func isPlausible(_ block: Block) -> Bool {
    let core = guest.core
    guard block.order >= max(lowestOrder, core.granuleOrder), block.order <= core.highestOrder,
      block.pfn % block.pages == 0
    else {
      fail(.wrongOrder, "\(block) is hinted, orders \(lowestOrder) to \(core.highestOrder) are looked at")
      return false
    }
    guard core.zones.contains(where: { $0.startPFN <= block.pfn && block.end <= $0.endPFN }) else {
      fail(.notFree, "\(block) is hinted and lies in no zone")
      return false
    }
    return true
  }

  /// What stands on the lists, walked anew when something was taken or given back.
  private func free() -> Set<UInt64> {
    let state = (guest.core.freePages, pagesWithheld)
    if let freeSetIsOf, freeSetIsOf == state { return freeSet }
    freeSet = Set(guest.freeBlocks().map(\.rawValue))
    freeSetIsOf = state
    return freeSet
  }
}

extension PageRuns {
  /// Whether a page of the block is in the set.
  func touches(_ block: Block) -> Bool { intersection(PageRuns([block])).pages > 0 }
}

/// The probe's end of a ``SessionObserver``.
struct ObservingProbe: LockProbe {
  let observer: SessionObserver
  mutating func willAcquire() {}
  mutating func didAcquire() {}
  mutating func willRelease() {}
  mutating func didRelease(zone: Int, items: Int) { observer.released(zone: zone, items: items) }
}

/// The sink's end of a ``SessionObserver``: the strategy's own queue with an ideal host, as the measured passes have
/// it.
struct ObservingSink: HintSink {
  let observer: SessionObserver
  private let queue: HintQueue

  /// `device` must outlive the sink.
  init(observer: SessionObserver, _ device: HintDevice) {
    self.observer = observer
    queue = device.driver
  }

  mutating func command() {
    observer.sent(descriptors: 1)
    queue.send(descriptors: 1)
  }

  mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors: Int) {
    observer.sent(descriptors: descriptors)
    queue.send(descriptors: descriptors)
    buffer.forEachBlock(words: words, format) { observer.named($0) }
  }

  mutating func hint(_ block: Block) -> Bool {
    guard queue.descriptorsFree > 1, queue.add(block) else { return false }
    observer.hinted(block)
    return true
  }

  var queueSize: Int { queue.size }
  var descriptorsFree: Int { queue.descriptorsFree }

  mutating func kick() {
    observer.kicked()
    queue.kick()
  }

  mutating func reclaim() { queue.reclaim() }

  mutating func report(_ block: Block) -> Bool {
    guard queue.descriptorsFree > 1, queue.add(block) else { return false }
    observer.sent(descriptors: 1)
    queue.kick()
    observer.reported(block)
    return true
  }

  mutating func report(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    note(blocks, range, isAccepted: queue.report(blocks, range))
  }

  mutating func reportEach(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    note(blocks, range, isAccepted: queue.reportEach(blocks, range))
  }

  private func note(_ blocks: HintBuffer, _ range: Range<Int>, isAccepted: Bool) -> Bool {
    observer.sent(descriptors: range.count)
    if isAccepted { for index in range { observer.reported(Block(rawValue: blocks[index])) } }
    return isAccepted
  }

  mutating func waitUntilUsed() -> Bool { queue.waitUntilAllUsed() }

  mutating func didTake(pages: UInt64, initialized: Bool) { observer.took(pages) }
  mutating func didReturn(pages: UInt64) { observer.returned(pages) }
}
