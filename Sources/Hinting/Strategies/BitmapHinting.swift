import Delivery
import GuestMemory
import Instruments
import Records

/// Nitesh Lal's hinting (2018-2019): a bit for each block of the lowest order says that the block might be free; a job
/// checks every set bit and reports the free blocks, 16 at a time.
///
/// The hook at the end of a free sets the bit of the merged block's head, and requests a job once 16 bits of the zone
/// are set and no job runs. The job reads the bitmap without the lock and takes the lock for each bit: the shortest
/// holds, and the most of them. A block without a set bit is lost to the strategy: the upper half of a split block, a
/// buddy that a block merged with when it was put back, a block refused at the min watermark, and, since v12 clears the
/// bit after the unlock, one freed in between. Isolated pageblocks are taken like any other.
///
/// A bit whose page doesn't exist is skipped; v11 looped on it for ever. The bitmap begins with the block that the zone
/// begins in. As published it began with the zone's first page; if that isn't the first page of a block (x86's ZONE_DMA
/// begins with page 1), no bit led to a block.
///
/// A session runs job after job while one is requested, up to ``jobsPerSession``, since threads that keep freeing keep
/// requesting jobs. The first job covers everything that was free at the start.
struct BitmapHinting: HintStrategy {
  static var allocatorUse: AllocatorUse { .takesBlocks }

  static let card = StrategyCard(
    name: "bitmap-hinting", origin: "RFC v11 and v12, 2019",
    summary: "a bitmap set at free, swept without the lock, 16 blocks a report",
    effect: .takesBatches, trigger: .frees, nativeOrder: 9,
    holdBound: "one block taken, or 16 put back",
    sideEffects: "16 blocks off the lists during a report; an atomic operation at each large free",
    limits: "ignores zones with fewer than 16 bits set; a block that is split, merged or refused loses its bit",
    options: [
      DeclaredOption(
        "order", .choice(["session"] + (0...10).map(String.init)), default: "session",
        "lowest order, and what one bit stands for; session: what --order says",
        source: "v10: PAGE_HINTING_MIN_ORDER, MAX_ORDER - 2"),
      DeclaredOption(
        "capacity", .integer(1...512), default: "16", "blocks per report, and bits set before a job is queued",
        source: "v11: PAGE_HINTING_MAX_PAGES"),
      DeclaredOption(
        "hold", .choice(["batch", "page"]), default: "batch", "what is returned in one hold: a report, or a block",
        source: "batch: v12; page: v11"),
      DeclaredOption(
        "index", .choice(["zone", "type"]), default: "zone",
        "whether each zone has a bitmap, or each type of zone has one across the nodes",
        source: "zone: v12; type: v11"),
      DeclaredOption(
        "clear", .choice(["unlocked", "locked"]), default: "unlocked",
        "whether a bit is cleared after the hold that looked at its block, or inside it",
        source: "unlocked: v12; locked: v11"),
    ])

  /// The state of the job: word 0 of the shared words.
  enum Job {
    static let none: UInt64 = 0
    static let requested: UInt64 = 1
    static let running: UInt64 = 2
  }

  /// The shared words: the job's state, then a line for each bitmap, then the bitmaps.
  struct Area {
    let words: SharedWords.View
    let line: Int

    @inline(__always)
    init(_ words: SharedWords.View, _ index: Int) {
      self.words = words
      line = (index &+ 1) &* 8
    }

    /// free_pages: the number of set bits.
    @inline(__always) var countIndex: Int { line }
    @inline(__always) var count: Int { Int(truncatingIfNeeded: words[line]) }
    /// base_pfn
    @inline(__always) var base: UInt64 { words[line &+ 1] }
    /// nbits; 0 if there is no bitmap.
    @inline(__always) var bits: UInt64 { words[line &+ 2] }
    /// The index of the bitmap's first word.
    @inline(__always) var first: Int { Int(truncatingIfNeeded: words[line &+ 3]) }

    /// Sets a bit, and counts it if it was clear. Ignores bits outside the bitmap.
    @inline(__always)
    func set(_ bit: UInt64) {
      if bit < bits && !words.testAndSet(bit: bit, first: first) { words.add(countIndex, 1) }
    }

    @inline(__always)
    func clear(_ bit: UInt64) {
      _ = words.testAndClear(bit: bit, first: first)
      words.add(countIndex, -1)
    }

    /// find_next_bit(); nil if no bit is set.
    @inline(__always)
    func next(from start: UInt64) -> UInt64? {
      let bits = bits
      let first = first
      var bit = start
      while bit < bits {
        let word = words[first &+ Int(truncatingIfNeeded: bit &>> 6)] &>> (bit & 63)
        if word != 0 {
          bit &+= UInt64(truncatingIfNeeded: word.trailingZeroBitCount)
          return bit < bits ? bit : nil
        }
        bit = (bit | 63) &+ 1
      }
      return nil
    }
  }

  struct Hooks: AllocatorHooks {
    let words: SharedWords.View
    /// The order of a bit: at least the granule.
    let order: Int
    let capacity: Int
    let isByType: Bool

    @inline(__always)
    func area(of zone: Zone) -> Area { Area(words, isByType ? zone.type.rawValue : zone.index) }

    /// pfn_to_bit(). Out of range for a page before the bitmap's base.
    @inline(__always)
    func bit(_ pfn: UInt64, _ area: Area) -> UInt64 { (pfn &- area.base) &>> UInt64(truncatingIfNeeded: order) }

    /// __page_hinting_enqueue()
    @inline(__always)
    func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {
      if order < self.order { return }
      let area = area(of: zone)
      area.set(bit(pfn, area))
      requestWhereFull(area)
    }

    @inline(__always)
    func requestWhereFull(_ area: Area) {
      if area.count >= capacity { _ = words.compareExchange(0, expected: Job.none, desired: Job.requested) }
    }
  }

  private struct Memory {
    let words: SharedWords
    let arena: HintArena
    let buffer: HintBuffer
    let areas: Int
  }

  /// The most jobs in a session. More than one is needed only if other threads free meanwhile.
  static let jobsPerSession = 16

  private let capacity: Int
  private let returnsWhole: Bool
  private let isByType: Bool
  private let clearsLocked: Bool
  private var memory: Memory?
  private var order = 0

  init(_ options: OptionValues) {
    capacity = options.integer("capacity")
    returnsWhole = options.choice("hold") == "batch"
    isByType = options.choice("index") == "type"
    clearsLocked = options.choice("clear") == "locked"
  }

  /// The batch and the bitmaps; at order 9, 32 KiB of bitmap cover 512 GiB.
  var bufferBytes: Int? { memory.map { capacity * 8 + ($0.words.view.count - ($0.areas + 1) * 8) * 8 } }

  /// At least 128, as in QEMU's queues for inflate and deflate.
  var queueSize: Int { HintQueue.size(for: capacity, least: 128) }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    // Blocks smaller than the granule don't exist.
    order = max(lowestOrder, guest.granuleOrder)
    let areas = isByType ? ZoneType.allCases.count : guest.zoneCount
    var spans = Array(repeating: Span(), count: areas)
    for zone in guest.zones { spans[isByType ? zone.type.rawValue : zone.index].include(zone) }
    let block: UInt64 = 1 << UInt64(order)
    var next = (areas + 1) * 8
    var lines: [(base: UInt64, bits: UInt64, first: Int)] = []
    for span in spans {
      let base = span.start / block * block
      let bits = span.end == 0 ? 0 : (span.end - base) / block + 1
      lines.append((base, bits, next))
      next += Int(bits + 63) / 64
    }
    if memory?.words.view.count != next || memory?.areas != areas {
      let arena = try HintArena(bytes: capacity * 8)
      memory = Memory(
        words: try SharedWords(count: next), arena: arena, buffer: arena.buffer(bytes: capacity * 8), areas: areas)
    }
    let words = hooks.words
    words.clear()
    for (index, line) in lines.enumerated() {
      let place = Area(words, index).line
      words[place + 1] = line.base
      words[place + 2] = line.bits
      words[place + 3] = UInt64(line.first)
    }
  }

  /// The span covered by one bitmap.
  private struct Span {
    var start: UInt64 = 0
    var end: UInt64 = 0

    /// Widens the span by a zone. v11 did this unless the span began with page 0, which also stood for an empty span:
    /// earlier zones were then forgotten.
    mutating func include(_ zone: Zone) {
      if start != 0 {
        start = min(start, zone.startPFN)
        end = max(end, zone.endPFN)
      } else {
        start = zone.startPFN
        end = zone.endPFN
      }
    }
  }

  var hooks: Hooks {
    guard let memory else { preconditionFailure("bitmap-hinting isn't prepared") }
    return Hooks(words: memory.words.view, order: order, capacity: capacity, isByType: isByType)
  }

  /// Sets the bit of every free block, as if all had been freed since the last report, and requests a job if that is
  /// enough.
  mutating func reset(_ guest: GuestCore) {
    guard let memory else { return }
    let hooks = hooks
    hooks.words[0] = Job.none
    for index in 0..<memory.areas {
      let area = Area(hooks.words, index)
      hooks.words[area.countIndex] = 0
      for word in area.first..<area.first + Int(area.bits + 63) / 64 where hooks.words[word] != 0 {
        hooks.words[word] = 0
      }
    }
    for zone in guest.zones {
      let area = hooks.area(of: zone)
      for order in stride(from: order, through: guest.highestOrder, by: 1) {
        for type in guest.types {
          for page in zone.freeList(order: order, type) { area.set(hooks.bit(guest.pfn(page), area)) }
        }
      }
    }
    for zone in guest.zones { hooks.requestWhereFull(hooks.area(of: zone)) }
  }

  var isWorkRequested: Bool { memory.map { $0.words.view[0] == Job.requested } ?? false }

  /// Whether the block is free and its bit clear; a block that lost its bit unreported counts as known.
  func isKnownToHost(_ block: Block, _ guest: GuestCore) -> Bool {
    let page = guest.page(block.pfn)
    guard page.isListedUnlocked(order: block.order), block.order >= order,
      let zone = zone(of: block.pfn, guest, near: guest.zone(0))
    else { return false }
    let hooks = hooks
    let area = hooks.area(of: zone)
    let bit = hooks.bit(block.pfn, area)
    return bit < area.bits && !area.words.test(bit: bit, first: area.first)
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    let words = cpu.hooks.words
    var jobs = 0
    while jobs < Self.jobsPerSession && words[0] == Job.requested {
      let outcome = work(&cpu, &sink, &session)
      if outcome != .complete { return outcome }
      jobs &+= 1
    }
    return .complete
  }

  /// page_hinting_wq()
  mutating func work<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let memory else { return .noBuffer }
    let buffer = memory.buffer
    let words = cpu.hooks.words
    _ = words.exchange(0, Job.running)
    var isStopped = false
    var index = 0
    while index < memory.areas && !isStopped {
      let area = Area(words, index)
      if session.stop.isSet {
        isStopped = true
      } else if area.count >= capacity {
        isStopped = sweep(&cpu, &sink, session.stop, buffer, area, index)
      }
      index &+= 1
    }
    // Request again for what a stopped job left.
    _ = words.exchange(0, isStopped ? Job.requested : Job.none)
    return isStopped ? .stopped : .complete
  }

  /// scan_zone_bitmap(). Returns true if it was stopped.
  @inline(__always)
  private func sweep<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ buffer: HintBuffer,
    _ area: Area,
    _ index: Int
  ) -> Bool {
    let core = cpu.core
    let lowest = cpu.hooks.order
    let clearsLocked = clearsLocked
    var zone = core.zone(isByType ? 0 : index)
    var count = 0
    var start: UInt64 = 0
    while let bit = area.next(from: start) {
      start = bit &+ 1
      if stop.isSet {
        giveUp(&cpu, &sink, stop, buffer, count, area, zone)
        return true
      }
      let pfn = area.base &+ bit &<< UInt64(truncatingIfNeeded: lowest)
      // pfn_to_online_page()
      guard let own = self.zone(of: pfn, core, near: zone) else { continue }
      zone = own
      let order = cpu.withZoneLocked(zone) { hold in
        hold.items = 1
        let order = isolate(&hold, hold.core.page(pfn), pfn, lowest)
        if clearsLocked { area.clear(bit) }
        return order
      }
      if !clearsLocked { area.clear(bit) }
      guard let order else { continue }
      let block = Block(pfn: pfn, order: order)
      buffer.store(block.rawValue, at: count)
      count &+= 1
      sink.didTake(pages: block.pages, initialized: false)
      if count == capacity {
        if stop.isSet {
          giveUp(&cpu, &sink, stop, buffer, count, area, zone)
          return true
        }
        _ = sink.report(buffer, 0..<count)
        giveBack(&cpu, &sink, stop, buffer, count, zone)
        count = 0
      }
    }
    if count == 0 { return false }
    if stop.isSet {
      giveUp(&cpu, &sink, stop, buffer, count, area, zone)
      return true
    }
    // Already isolated blocks may as well be reported.
    _ = sink.report(buffer, 0..<count)
    giveBack(&cpu, &sink, stop, buffer, count, zone)
    return false
  }

  /// process_free_page(): returns the block's order if it was taken. __isolate_free_page() makes pageblocks movable;
  /// the strategy restores their type under the same lock.
  @inline(__always)
  private func isolate<Probe: LockProbe, Rules: KernelRules>(
    _ hold: inout GuestCPU<Probe, Hooks, Rules>.Hold, _ page: Page, _ pfn: UInt64, _ lowest: Int
  ) -> Int? {
    guard page.isBuddy else { return nil }
    let order = page.order
    guard order >= lowest, hold.core.pageblockMigratetype(pfn) == .isolate || hold.mayTake(order: order) else {
      return nil
    }
    hold.takeOff(page)
    return order
  }

  /// return_isolated_page(), v11's release_buddy_pages(): one hold per batch, or one per block. A batch across zones
  /// takes a hold for each run of one zone's blocks. Once stopped, the rest is returned together.
  @inline(__always)
  private func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ buffer: HintBuffer,
    _ count: Int,
    _ last: Zone, settingBitsIn area: Area? = nil
  ) {
    let core = cpu.core
    var zone = last
    var index = 0
    while index < count {
      zone = self.zone(of: Block(rawValue: buffer[index]).pfn, core, near: zone) ?? zone
      let isTogether = returnsWhole || stop.isSet
      let next = cpu.withZoneLocked(zone) { hold in
        var next = index
        repeat {
          let block = Block(rawValue: buffer[next])
          if next > index && !contains(hold.zone, block.pfn) { break }
          hold.items &+= 1
          // FPI_TO_TAIL came a year later.
          hold.putBack(
            hold.core.page(block.pfn), order: block.order, hold.core.pageblockMigratetype(block.pfn),
            placement: .byMergeGuess)
          if let area { area.set(hold.hooks.bit(block.pfn, area)) }
          next &+= 1
        } while isTogether && next < count
        return next
      }
      var pages: UInt64 = 0
      while index < next {
        pages &+= Block(rawValue: buffer[index]).pages
        index &+= 1
      }
      sink.didReturn(pages: pages)
    }
  }

  /// Returns what a stopped job has taken but not reported, in one hold regardless of `hold`, and sets the bits again.
  @inline(__always)
  private func giveUp<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ buffer: HintBuffer,
    _ count: Int,
    _ area: Area, _ zone: Zone
  ) {
    giveBack(&cpu, &sink, stop, buffer, count, zone, settingBitsIn: area)
  }

  @inline(__always)
  private func contains(_ zone: Zone, _ pfn: UInt64) -> Bool { pfn &- zone.startPFN < zone.spannedPages }

  /// page_zone(): tries the previous zone first.
  @inline(__always)
  private func zone(of pfn: UInt64, _ core: GuestCore, near zone: Zone) -> Zone? {
    if contains(zone, pfn) { return zone }
    var index = 0
    while index < core.zoneCount {
      let zone = core.zone(index)
      if contains(zone, pfn) { return zone }
      index &+= 1
    }
    return nil
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { returnsWhole ? capacity : 1 }
}
