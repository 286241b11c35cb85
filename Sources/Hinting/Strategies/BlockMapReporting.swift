import Delivery
import GuestMemory
import Instruments
import Records

/// Free page reporting by a bitmap: takes what the host doesn't know of, found by bit and not by list, a few blocks a hold.
///
/// ``PageReporting`` finds unreported blocks by walking past the reported ones, under the lock, from one cold page to the
/// next. Here the next blocks are known without the lock, and so are the cache lines that taking them will write: they are
/// asked for together, before the lock is taken. Nothing is skipped or rotated, and a run costs what has changed.
///
/// What a bit said is looked at again under the lock, where the map is exact. Blocks go back to the list that they came
/// from, without the kernel's search for movable pageblocks (`__isolate_free_page()`), which since 6.10 reads every struct
/// page of a block.
///
/// Isolated pageblocks are left alone, as by reporting as merged: somebody is about to allocate that range.
struct BlockMapReporting: HintStrategy {
  typealias Hooks = BlockMapHooks

  static var allocatorUse: AllocatorUse { .takesBlocks }

  static let card = StrategyCard(
    name: "block-map-reporting", origin: "this project, 2026",
    summary: "reporting by the bitmap of block-map: unreported blocks by bit, a few a hold",
    effect: .takesBatches, trigger: .frees, nativeOrder: 9,
    holdBound: "`take` blocks taken or put back",
    sideEffects:
      "`capacity` blocks off the lists during a report, which go to their lists' tails; sets or clears a bit under the lock "
      + "wherever a large block enters or leaves a list",
    limits: "skips ISOLATE; skips a block that would leave its zone at the min watermark",
    options: [
      DeclaredOption(
        "order", .choice(["session"] + (0...10).map(String.init)), default: "session",
        "lowest order, and what one bit stands for; session: what --order says", source: "this project"),
      DeclaredOption(
        "capacity", .integer(1...1024), default: "32", "blocks per report", source: "5.7: PAGE_REPORTING_CAPACITY"),
      DeclaredOption(
        "delay", .integer(0...60_000), default: "2000", "milliseconds from the request to the run",
        source: "5.7: PAGE_REPORTING_DELAY"),
      DeclaredOption(
        "take", .integer(1...1024), default: "8", "blocks taken, or put back, in one hold", source: "this project"),
      DeclaredOption(
        "prefetch", .choice(["on", "off"]), default: "on",
        "whether the lines that taking a block writes are asked for before the lock is taken", source: "this project"),
    ])

  private struct Memory {
    let words: SharedWords
    let arena: HintArena
    /// The blocks of the report, taken or about to be.
    let sheet: HintBuffer
  }

  /// The most runs of a session. More than one is needed only if others free meanwhile.
  static let runsPerSession = 16

  private let capacity: Int
  private let take: Int
  private let prefetches: Bool
  private let delayNanoseconds: UInt64
  private var memory: Memory?
  private var order = 0
  /// See ``BlockMap/gap``.
  private var gap = 1

  init(_ options: OptionValues) {
    capacity = options.integer("capacity")
    take = options.integer("take")
    prefetches = options.choice("prefetch") == "on"
    delayNanoseconds = UInt64(options.integer("delay")) * 1_000_000
  }

  var workDelayNanoseconds: UInt64 { delayNanoseconds }

  var bufferBytes: Int? { memory.map { capacity * 8 + ($0.words.view.count - BlockMap.first) * 8 } }

  /// At least 32, as in QEMU's reporting queue.
  var queueSize: Int { HintQueue.size(for: capacity, least: 32) }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    order = max(lowestOrder, guest.granuleOrder)
    gap = BlockMap.gap(guest, order: order)
    let count = BlockMap.wordCount(guest, order: order)
    if memory?.words.view.count != count {
      let arena = try HintArena(bytes: capacity * 8)
      memory = Memory(
        words: try SharedWords(count: count), arena: arena, sheet: arena.buffer(bytes: capacity * 8))
    }
  }

  var hooks: BlockMapHooks {
    guard let memory else { preconditionFailure("block-map-reporting isn't prepared") }
    return BlockMapHooks(map: BlockMap(words: memory.words.view, order: order, gap: gap))
  }

  mutating func reset(_ guest: GuestCore) {
    hooks.words[ReportingWords.state] = ReportingRequest.requested
    hooks.map.rebuild(guest)
  }

  var isWorkRequested: Bool {
    memory.map { $0.words.view[ReportingWords.state] == ReportingRequest.requested } ?? false
  }

  func isKnownToHost(_ block: Block, _ guest: GuestCore) -> Bool {
    guard block.order >= order, guest.page(block.pfn).isListedUnlocked(order: block.order),
      let zone = guest.zones.first(where: { block.pfn >= $0.startPFN && block.pfn < $0.endPFN })
    else { return false }
    return hooks.map.isKnown(block.pfn, zone: zone.index, order: block.order)
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { take }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    let words = cpu.hooks.words
    var runs = 0
    while runs < Self.runsPerSession && words[ReportingWords.state] == ReportingRequest.requested {
      let outcome = work(&cpu, &sink, &session)
      if outcome != .complete { return outcome }
      runs &+= 1
    }
    return .complete
  }

  mutating func work<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let sheet = memory?.sheet else { return .noBuffer }
    let words = cpu.hooks.words
    // Frees from here on request again.
    _ = words.exchange(ReportingWords.state, ReportingRequest.active)
    var outcome = Outcome.complete
    var zone = 0
    while zone < cpu.core.zoneCount && outcome == .complete {
      outcome = reportZone(&cpu, &sink, session.stop, sheet, cpu.core.zone(zone))
      zone &+= 1
    }
    // Request again for what a stopped run left.
    if outcome == .stopped { words[ReportingWords.state] = ReportingRequest.requested }
    _ = words.compareExchange(
      ReportingWords.state, expected: ReportingRequest.active, desired: ReportingRequest.idle)
    return outcome
  }

  /// Goes through a zone's bitmap once: a batch of bits, their blocks taken in short holds, reported, put back.
  @inline(__always)
  private func reportZone<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ sheet: HintBuffer, _ zone: Zone
  ) -> Outcome {
    let map = cpu.hooks.map
    let (first, end) = map.words(of: zone)
    var place = Place(word: first, left: 0)
    while true {
      if stop.isSet { return .stopped }
      let found = gather(cpu.core, map, zone, sheet, &place, end)
      if found == 0 { return .complete }
      let taken = takeBlocks(&cpu, &sink, stop, sheet, zone, found)
      if taken == 0 { continue }
      if stop.isSet {
        putBack(&cpu, &sink, sheet, zone, taken, reported: false)
        return .stopped
      }
      let isAccepted = sink.report(sheet, 0..<taken)
      putBack(&cpu, &sink, sheet, zone, taken, reported: isAccepted)
      if !isAccepted { return .error("the queue refused a report") }
    }
  }

  /// How far a zone's bitmap was read: the next word, and the bits of the one before that are left.
  private struct Place {
    var word: Int
    var left: UInt64
  }

  /// Notes up to ``capacity`` PFNs whose bits say that they are free and unknown to the host, without the lock, and asks
  /// for their lines.
  @inline(__always)
  private func gather(
    _ core: GuestCore, _ map: BlockMap, _ zone: Zone, _ sheet: HintBuffer, _ place: inout Place, _ end: Int
  ) -> Int {
    let shift = UInt64(truncatingIfNeeded: order)
    let index = zone.index
    var word = place.word
    var left = place.left
    var count = 0
    while count < capacity {
      while left == 0 && word < end {
        left = map.words[word] & map.words[word &+ 1]
        word &+= 2
      }
      if left == 0 { break }
      let bit = UInt64(truncatingIfNeeded: left.trailingZeroBitCount)
      left &= left &- 1
      let pfn = map.pfn(ofWord: word &- 2, zone: index) &+ bit &<< shift
      sheet.store(pfn, at: count)
      count &+= 1
      if prefetches { core.page(pfn).prefetch() }
    }
    place = Place(word: word, left: left)
    if prefetches {
      var each = 0
      while each < count {
        core.page(sheet[each]).prefetchNeighbours()
        each &+= 1
      }
    }
    return count
  }

  /// Takes the blocks of the noted PFNs that are still free and unknown to the host, and leaves them in the sheet in place
  /// of the PFNs. Returns how many.
  @inline(__always)
  private func takeBlocks<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ sheet: HintBuffer, _ zone: Zone,
    _ found: Int
  ) -> Int {
    let lowest = order
    var taken = 0
    var next = 0
    while next < found && !stop.isSet {
      let end = min(next &+ take, found)
      let before = taken
      let pages = cpu.withZoneLocked(zone) { hold in
        var pages: UInt64 = 0
        while next < end {
          hold.items &+= 1
          let pfn = sheet[next]
          next &+= 1
          guard let block = Self.head(hold.core, hold.hooks.map, hold.zone, pfn, lowest),
            hold.core.pageblockMigratetype(block.pfn) != .isolate, hold.mayTake(order: block.order)
          else { continue }
          hold.takeOff(hold.core.page(block.pfn))
          sheet.store(block.rawValue, at: taken)
          taken &+= 1
          pages &+= block.pages
        }
        return pages
      }
      if taken > before { sink.didTake(pages: pages, initialized: false) }
    }
    return taken
  }

  /// The free block that a PFN is part of, if the host doesn't know of all of it: under the lock.
  @inline(__always)
  private static func head(
    _ core: GuestCore, _ map: BlockMap, _ zone: Zone, _ pfn: UInt64, _ lowest: Int
  ) -> Block? {
    let word = map.word(pfn, zone: zone.index)
    let bit = map.mask(pfn, order: lowest)
    // Taken, or reported as a part of a larger block, since it was noted.
    if map.words[word] & map.words[word &+ 1] & bit == 0 { return nil }
    var order = lowest
    var head = pfn
    while order <= core.highestOrder {
      let page = core.page(head)
      if page.isBuddy && page.order >= order { return Block(pfn: head, order: page.order) }
      order &+= 1
      head = pfn & ~((1 &<< UInt64(truncatingIfNeeded: order)) &- 1)
    }
    return nil
  }

  /// Puts blocks back a few a hold, each on the list it came from, and notes that the host knows of those that were reported
  /// and didn't merge.
  @inline(__always)
  private func putBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ sheet: HintBuffer, _ zone: Zone, _ count: Int,
    reported: Bool
  ) {
    var next = 0
    while next < count {
      let end = min(next &+ take, count)
      let pages = cpu.withZoneLocked(zone) { hold in
        var pages: UInt64 = 0
        while next < end {
          hold.items &+= 1
          let block = Block(rawValue: sheet[next])
          next &+= 1
          let isItself = hold.putBack(
            hold.core.page(block.pfn), order: block.order, hold.core.pageblockMigratetype(block.pfn))
          if reported && isItself { hold.hooks.map.setKnown(block.pfn, zone: hold.zone.index, order: block.order) }
          pages &+= block.pages
        }
        return pages
      }
      sink.didReturn(pages: pages)
    }
  }
}
