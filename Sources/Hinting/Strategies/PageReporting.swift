import Delivery
import GuestMemory
import Instruments
import Records

/// Free page reporting as merged in 5.7: takes free blocks off the lists one scatterlist (sheet) at a time, reports
/// them, and puts them back at the tail of their list with a flag that says the host knows of them.
///
/// The hook at the end of a free requests a run. The run starts two seconds later and goes through all zones, orders
/// upward. Only the entries show whether they are reported, so a run walks past all of them under the lock without
/// spending its budget: its longest hold is the list's length. A list that still has unreported blocks when its budget
/// is spent is rotated so that the first of them leads, and the run requests the next one itself.
///
/// A session repeats runs without the delay. On an idle guest at most ``runsPerSession`` are ever requested. Beside
/// threads that keep freeing one is always requested, so the session ends after that many runs, which have covered
/// everything free at its start.
struct PageReporting: HintStrategy {
  static var allocatorUse: AllocatorUse { .takesBlocks }

  static let card = StrategyCard(
    name: "page-reporting", origin: "merged in 5.7, 2020",
    summary: "takes 32 free blocks at a time, reports them and marks them reported",
    effect: .takesBatches, trigger: .frees, nativeOrder: 9,
    holdBound: "32 blocks put back, 32 taken, and every reported block of one list skipped",
    sideEffects:
      "32 blocks off the lists during a report; rotates lists, moves blocks to their tails, converts pageblocks to "
      + "movable",
    limits: "skips ISOLATE; skips a zone without 32 blocks above the low watermark",
    options: [
      DeclaredOption(
        "order", .choice(["session"] + (0...10).map(String.init)), default: "session",
        "lowest order reported; session: what --order says",
        source: "5.7: pageblock_order; 6.1: the device's, or written to /sys; 6.12: parameter page_reporting_order"),
      DeclaredOption(
        "capacity", .integer(1...1024), default: "32", "blocks per report",
        source: "5.7: PAGE_REPORTING_CAPACITY, there a power of two"),
      DeclaredOption(
        "delay", .integer(0...60_000), default: "2000", "milliseconds from the request to the run",
        source: "5.7: PAGE_REPORTING_DELAY"),
      DeclaredOption(
        "share", .integer(1...1024), default: "16",
        "per run, each list reports at most 1/share of the blocks of the order, plus one report",
        source: "5.7: budget of nr_free / (PAGE_REPORTING_CAPACITY * 16)"),
      DeclaredOption(
        "isolate", .choice(["skip", "take"]), default: "skip",
        "whether lists of isolated pageblocks are left alone, or reported like any other",
        source: "skip: 5.7; take: what skipping them is for"),
    ])

  /// The device's state: word 0 of the shared words.
  enum State {
    static let idle: UInt64 = 0
    static let requested: UInt64 = 1
    static let active: UInt64 = 2
  }

  struct Hooks: AllocatorHooks {
    let words: SharedWords.View
    let order: Int

    /// Clears the flag of a block that leaves its list: if it comes back, it must be reported again.
    @inline(__always)
    func willRemove(_ page: Page, _ zone: Zone, order: Int) {
      if page.isReported { page.setReported(false) }
    }

    /// page_reporting_notify_free()
    @inline(__always)
    func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {
      if order >= self.order { request() }
    }

    /// __page_reporting_request(). If the device is idle, the caller queues the work; if it is active, the worker finds
    /// the request at its end.
    @inline(__always)
    func request() {
      // Most frees find it requested, and a read keeps the line shared.
      if words[0] == State.requested { return }
      _ = words.exchange(0, State.requested)
    }
  }

  private struct Memory {
    let words: SharedWords
    let arena: HintArena
    /// The scatterlist, filled from its end.
    let sheet: HintBuffer
  }

  private let capacity: Int
  private let share: Int
  private let takesIsolated: Bool
  let workDelayNanoseconds: UInt64
  private var memory: Memory?
  private var order = 0

  init(_ options: OptionValues) {
    capacity = options.integer("capacity")
    share = options.integer("share")
    takesIsolated = options.choice("isolate") == "take"
    workDelayNanoseconds = UInt64(options.integer("delay")) * 1_000_000
  }

  /// The most runs an idle guest can need: a run reports at least a `share` of a list. Two more cover what a sheet
  /// begun on one list takes from the next list's share.
  var runsPerSession: Int { share + 2 }

  var bufferBytes: Int? { memory == nil ? nil : capacity * 8 }

  /// At least 32, as in QEMU's reporting queue; more for a larger capacity.
  var queueSize: Int { HintQueue.size(for: capacity, least: 32) }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    order = lowestOrder
    if memory != nil { return }
    let arena = try HintArena(bytes: capacity * 8)
    memory = Memory(
      words: try SharedWords(count: 1), arena: arena, sheet: arena.buffer(bytes: capacity * 8))
  }

  var hooks: Hooks {
    guard let memory else { preconditionFailure("page-reporting isn't prepared") }
    return Hooks(words: memory.words.view, order: order)
  }

  /// Marks nothing as reported, like the restored pages, and requests the first run: page_reporting_register().
  mutating func reset(_ guest: GuestCore) { hooks.words[0] = State.requested }

  var isWorkRequested: Bool { memory.map { $0.words.view[0] == State.requested } ?? false }

  func isKnownToHost(_ block: Block, _ guest: GuestCore) -> Bool {
    let page = guest.page(block.pfn)
    return page.isListedUnlocked(order: block.order) && page.isReported
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    let words = cpu.hooks.words
    var runs = 0
    while runs < runsPerSession && words[0] == State.requested {
      let outcome = work(&cpu, &sink, &session)
      if outcome != .complete { return outcome }
      runs &+= 1
    }
    return .complete
  }

  /// page_reporting_process()
  mutating func work<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let sheet = memory?.sheet else { return .noBuffer }
    let words = cpu.hooks.words
    // Frees from here on request again.
    _ = words.exchange(0, State.active)
    var end = End.done
    var zone = 0
    while zone < cpu.core.zoneCount && end == .done {
      end = reportZone(&cpu, &sink, session.stop, sheet, cpu.core.zone(zone))
      zone &+= 1
    }
    // Request again for what a stopped run left.
    if end == .stopped { words[0] = State.requested }
    _ = words.compareExchange(0, expected: State.active, desired: State.idle)
    switch end {
    case .done: return .complete
    case .stopped: return .stopped
    case .refused: return .error("the queue refused a report")
    }
  }

  private enum End {
    case done, stopped, refused
  }

  /// page_reporting_process_zone()
  @inline(__always)
  private func reportZone<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ sheet: HintBuffer, _ zone: Zone
  ) -> End {
    if stop.isSet { return .stopped }
    let lowest = cpu.hooks.order
    if !zone.isAboveLow(
      by: UInt64(truncatingIfNeeded: capacity) &<< UInt64(truncatingIfNeeded: lowest), Rules.self)
    {
      return .done
    }
    var left = capacity
    var order = lowest
    while order <= cpu.core.highestOrder {
      for type in 0..<Migratetype.count {
        let type = Migratetype(rawValue: type)
        if type == .isolate && !takesIsolated { continue }
        let end = reportList(&cpu, &sink, stop, sheet, zone, order, type, &left)
        if end == .stopped { giveUp(&cpu, &sink, sheet, zone, left) }
        if end != .done { return end }
      }
      order &+= 1
    }
    if left == capacity { return .done }
    if stop.isSet {
      giveUp(&cpu, &sink, sheet, zone, left)
      return .stopped
    }
    let isAccepted = sink.report(sheet, left..<capacity)
    drain(&cpu, &sink, sheet, zone, left, reported: isAccepted)
    return isAccepted ? .done : .refused
  }

  /// page_reporting_cycle(). `left`: the empty entries of the sheet; 0 only between a hold and its report.
  @inline(__always)
  private func reportList<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ sheet: HintBuffer, _ zone: Zone,
    _ order: Int, _ type: Migratetype, _ left: inout Int
  ) -> End {
    if zone.freeList(order: order, type).isEmptyUnlocked { return .done }
    let capacity = capacity
    let share = share
    var empty = left
    var budget = 0
    /// Whether the host accepted the sheet that is to be put back; nil if there is none.
    var wasAccepted: Bool?
    while true {
      let isStopped = stop.isSet
      if isStopped && wasAccepted == nil {
        left = empty
        return .stopped
      }
      var returned: UInt64 = 0
      var taken: UInt64 = 0
      let isFull = cpu.withZoneLocked(zone) { hold in
        let list = hold.freeList(order: order, type)
        if let wasAccepted {
          returned = putBack(&hold, sheet, 0, reported: wasAccepted)
          if isStopped || !wasAccepted { return false }
        } else {
          let blocks = Int(truncatingIfNeeded: hold.zone.blocksFree(order: order))
          let part = capacity &* share
          budget = (blocks &+ part &- 1) / part
        }
        var next = list.first
        while let page = next {
          hold.items &+= 1
          next = list.next(after: page)
          if page.isReported { continue }
          if budget < 0 {
            hold.hooks.words[0] = State.requested
            hold.rotate(list, toFront: page)
            return false
          }
          if empty == 0 {
            hold.rotate(list, toFront: page)
            return true
          }
          if !hold.isolate(page) {
            hold.rotate(list, toFront: page)
            return false
          }
          empty &-= 1
          sheet.store(Block(pfn: hold.core.pfn(page), order: order).rawValue, at: empty)
          taken &+= 1 &<< UInt64(truncatingIfNeeded: order)
        }
        return false
      }
      if returned > 0 { sink.didReturn(pages: returned) }
      if taken > 0 { sink.didTake(pages: taken, initialized: false) }
      left = empty
      if wasAccepted == false { return .refused }
      if !isFull { return isStopped ? .stopped : .done }
      if stop.isSet { return .stopped }
      wasAccepted = sink.report(sheet, 0..<capacity)
      empty = capacity
      left = capacity
      budget &-= 1
    }
  }

  /// page_reporting_drain(): puts back entries `first` and up, and marks as reported those that were accepted and
  /// didn't merge. Returns the number of pages.
  @inline(__always)
  private func putBack<Probe: LockProbe, Rules: KernelRules>(
    _ hold: inout GuestCPU<Probe, Hooks, Rules>.Hold, _ sheet: HintBuffer, _ first: Int, reported: Bool
  ) -> UInt64 {
    var pages: UInt64 = 0
    var index = first
    while index < capacity {
      let block = Block(rawValue: sheet[index])
      let page = hold.core.page(block.pfn)
      hold.items &+= 1
      let isItself = hold.putBack(page, order: block.order, hold.core.pageblockMigratetype(block.pfn))
      if reported && isItself { page.setReported(true) }
      pages &+= block.pages
      index &+= 1
    }
    return pages
  }

  /// Drains the sheet in a hold of its own, at a zone's end.
  @inline(__always)
  private func drain<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ sheet: HintBuffer, _ zone: Zone, _ first: Int,
    reported: Bool
  ) {
    let pages = cpu.withZoneLocked(zone) { hold in putBack(&hold, sheet, first, reported: reported) }
    sink.didReturn(pages: pages)
  }

  /// Puts back what a stopped run has taken but not reported.
  @inline(__always)
  private func giveUp<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ sheet: HintBuffer, _ zone: Zone, _ left: Int
  ) {
    if left < capacity { drain(&cpu, &sink, sheet, zone, left, reported: false) }
  }
}
