import Delivery
import GuestMemory
import Instruments
import Records

/// The cycle of free page reporting (mm/page_reporting.c, 5.7), of ``PageReporting`` and of what was proposed since.
///
/// What differs in the code under the lock is static, so that each is compiled without the others' parts.
protocol ReportingStrategy: HintStrategy where Hooks: ReportingCycleHooks {
  /// Whether holds end after `skip` entries skipped and `take` taken or put back, sessions after `flush` pages, and the host
  /// may answer each block by itself.
  static var boundsHolds: Bool { get }

  /// The marks that a block has before it is put back, once it was reported: those that survive a merge. If it didn't merge
  /// it is marked as reported in any case.
  static var marksBeforePutBack: UInt64 { get }

  /// How many words the hooks share. See ``ReportingWords``.
  static var wordCount: Int { get }

  var state: ReportingState { get set }
}

/// The options, and what the driver has from probe on.
struct ReportingState: Sendable {
  fileprivate struct Memory {
    let words: SharedWords
    let arena: HintArena
    /// The scatterlist, filled from its end.
    let sheet: HintBuffer
  }

  fileprivate let capacity: Int
  fileprivate let share: Int
  fileprivate let takesIsolated: Bool
  fileprivate let hasOwnBuffers: Bool
  /// Entries skipped in one hold.
  fileprivate let skip: Int
  /// Blocks taken in one hold, or put back.
  fileprivate let take: Int
  /// Pages that a session may report.
  fileprivate let flush: UInt64
  /// Full reports of one list in a run; 0: by `share`.
  fileprivate let budget: Int
  /// Pages freed before a run is requested; 0: any.
  fileprivate let trigger: UInt64
  fileprivate let delayNanoseconds: UInt64
  fileprivate var memory: Memory?
  fileprivate var order = 0

  init(_ options: OptionValues) {
    func limit(_ name: String) -> Int { options.integer(name) == 0 ? .max : options.integer(name) }
    capacity = options.integer("capacity")
    share = options.integer("share")
    takesIsolated = options.choice("isolate") == "take"
    hasOwnBuffers = options.choice("buffers") == "individual"
    skip = limit("skip")
    take = limit("take")
    flush = UInt64(limit("flush"))
    budget = options.integer("budget")
    trigger = UInt64(options.integer("trigger"))
    delayNanoseconds = UInt64(options.integer("delay")) * 1_000_000
  }

  /// Whether an option differs from what was merged in a way that ``ReportingStrategy/boundsHolds`` is for.
  var isBounded: Bool {
    skip != .max || take < capacity || flush != Int.max || hasOwnBuffers || budget > 0 || trigger > 0
  }
}

extension ReportingStrategy {
  static var card: StrategyCard { PageReporting.card }
  static var allocatorUse: AllocatorUse { .takesBlocks }
  static var marksBeforePutBack: UInt64 { 0 }
  static var wordCount: Int { ReportingWords.own }

  var workDelayNanoseconds: UInt64 { state.delayNanoseconds }

  /// The most runs an idle guest can need: a run reports at least a `share` of a list, or its `budget`. Two more cover what
  /// a sheet begun on one list takes from the next list's share.
  func runsPerSession(_ guest: GuestCore) -> Int {
    guard state.budget > 0 else { return state.share + 2 }
    return Int(guest.freePages >> UInt64(state.order)) / (state.budget * state.capacity) + 2
  }

  var bufferBytes: Int? { state.memory == nil ? nil : state.capacity * 8 }

  /// At least 32, as in QEMU's reporting queue; more for a larger capacity.
  var queueSize: Int { HintQueue.size(for: state.capacity, least: 32) }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    state.order = lowestOrder
    if state.memory != nil { return }
    let arena = try HintArena(bytes: state.capacity * 8)
    state.memory = ReportingState.Memory(
      words: try SharedWords(count: Self.wordCount), arena: arena, sheet: arena.buffer(bytes: state.capacity * 8))
  }

  var hooks: Hooks {
    guard let memory = state.memory else { preconditionFailure("page-reporting isn't prepared") }
    return Hooks(words: memory.words.view, order: state.order)
  }

  /// Marks nothing as reported, like the restored pages, and requests the first run: page_reporting_register().
  mutating func reset(_ guest: GuestCore) {
    let words = hooks.words
    words.clear()
    words[ReportingWords.state] = ReportingRequest.requested
    words[ReportingWords.threshold] = state.trigger
  }

  var isWorkRequested: Bool { state.memory.map { $0.words.view[0] == ReportingRequest.requested } ?? false }

  func isKnownToHost(_ block: Block, _ guest: GuestCore) -> Bool {
    let page = guest.page(block.pfn)
    return page.isListedUnlocked(order: block.order) && page.isReported
  }

  /// Entries that a bounded hold looks at: what it puts back, or what it takes, what it skips, and the one that it ends at.
  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? {
    guard Self.boundsHolds, state.skip != .max else { return nil }
    return min(state.take, state.capacity) + state.skip + 1
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    let words = cpu.hooks.words
    let mostRuns = runsPerSession(cpu.core)
    var pages = state.flush
    var runs = 0
    while runs < mostRuns && words[ReportingWords.state] == ReportingRequest.requested {
      let outcome = run(&cpu, &sink, &session, &pages)
      if outcome != .complete { return outcome }
      runs &+= 1
    }
    return .complete
  }

  mutating func work<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    var pages = state.flush
    return run(&cpu, &sink, &session, &pages)
  }

  /// page_reporting_process(). `pages`: those that it may still report.
  private mutating func run<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session, _ pages: inout UInt64
  ) -> Outcome {
    guard let sheet = state.memory?.sheet else { return .noBuffer }
    let words = cpu.hooks.words
    // Frees from here on request again.
    _ = words.exchange(ReportingWords.state, ReportingRequest.active)
    var end = ReportingEnd.done
    var zone = 0
    while zone < cpu.core.zoneCount && end == .done {
      end = reportZone(&cpu, &sink, session.stop, sheet, cpu.core.zone(zone), &pages)
      zone &+= 1
    }
    // Request again for what a stopped run left.
    if end == .stopped || end == .spent { words[ReportingWords.state] = ReportingRequest.requested }
    _ = words.compareExchange(ReportingWords.state, expected: ReportingRequest.active, desired: ReportingRequest.idle)
    switch end {
    case .done: return .complete
    case .spent: return .limit
    case .stopped: return .stopped
    case .refused: return .error("the queue refused a report")
    }
  }

  /// page_reporting_process_zone()
  @inline(__always)
  private func reportZone<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ sheet: HintBuffer, _ zone: Zone,
    _ pages: inout UInt64
  ) -> ReportingEnd {
    if stop.isSet { return .stopped }
    let capacity = state.capacity
    let lowest = cpu.hooks.order
    if !zone.isAboveLow(
      by: UInt64(truncatingIfNeeded: capacity) &<< UInt64(truncatingIfNeeded: lowest), Rules.self)
    {
      return .done
    }
    var left = capacity
    var order = lowest
    var isSpent = false
    while order <= cpu.core.highestOrder && !isSpent {
      for type in 0..<cpu.core.migratetypes {
        let type = Migratetype(index: type)
        if type == .isolate && !state.takesIsolated { continue }
        let end = reportList(&cpu, &sink, stop, sheet, zone, order, type, &left, &pages)
        if Self.boundsHolds && end == .spent {
          isSpent = true
          break
        }
        if end == .stopped { giveUp(&cpu, &sink, sheet, zone, left) }
        if end != .done { return end }
      }
      order &+= 1
    }
    if left != capacity {
      if stop.isSet {
        giveUp(&cpu, &sink, sheet, zone, left)
        return .stopped
      }
      let isAccepted = report(&sink, sheet, left..<capacity)
      drain(&cpu, &sink, sheet, zone, left, reported: isAccepted)
      if !isAccepted { return .refused }
    }
    return Self.boundsHolds && isSpent ? .spent : .done
  }

  /// page_reporting_cycle(). `left`: the empty entries of the sheet; 0 only between a hold and its report.
  ///
  /// Bounded, a hold that has skipped or taken enough rotates the list so that the next entry leads, and the next hold
  /// begins with the first entry, whichever that is by then. The list's order is all that is kept, so that no saved entry
  /// has to be looked at again: what was passed is behind all that wasn't, and what others free meanwhile comes to the
  /// head, which is next, or to the tail.
  ///
  /// The list is done when the first entry that was skipped leads again. It is only compared, never followed: if it was
  /// allocated meanwhile, and is back and reported, then it is behind all that wasn't passed, too. If it didn't come back,
  /// the list is done once as many were skipped as there were blocks of the order at the start, of all types (the bound of
  /// the patch of April 2020, which has no other: it goes round a short list beside a long one again and again).
  @inline(__always)
  private func reportList<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ sheet: HintBuffer, _ zone: Zone,
    _ order: Int, _ type: Migratetype, _ left: inout Int, _ pages: inout UInt64
  ) -> ReportingEnd {
    if zone.freeList(order: order, type).isEmptyUnlocked { return .done }
    let capacity = state.capacity
    let share = state.share
    let skip = state.skip
    let take = state.take
    var empty = left
    var budget = 0
    /// Whether the host accepted the sheet that is to be put back; nil if there is none.
    var wasAccepted: Bool?
    // Of bounded holds: whether there was one, the first entry skipped and how many may be, and the pages that may still
    // be reported.
    var hasBegun = false
    var firstSkipped: Page?
    var unpassed = 0
    var allowed = pages
    while true {
      let isStopped = stop.isSet
      if isStopped && wasAccepted == nil {
        left = empty
        return .stopped
      }
      var returned: UInt64 = 0
      var taken: UInt64 = 0
      let end = cpu.withZoneLocked(zone) { hold -> HoldEnd in
        let list = hold.freeList(order: order, type)
        if let wasAccepted {
          returned = putBack(&hold, sheet, 0..<capacity, reported: wasAccepted)
          if isStopped || !wasAccepted { return .listDone }
        } else if !hasBegun {
          let blocks = Int(truncatingIfNeeded: hold.zone.blocksFree(order: order))
          let part = capacity &* share
          budget = (blocks &+ part &- 1) / part
          if Self.boundsHolds {
            if state.budget > 0 { budget = state.budget &- 1 }
            hasBegun = true
            unpassed = blocks
          }
        }
        var skipped = 0
        var room = take
        var next = list.first
        while let page = next {
          if Self.boundsHolds && (room == 0 || skipped == skip) {
            hold.rotate(list, toFront: page)
            return .bound
          }
          hold.items &+= 1
          next = list.next(after: page)
          if page.isReported {
            if Self.boundsHolds {
              unpassed &-= 1
              if page == firstSkipped || unpassed <= 0 { return .listDone }
              if firstSkipped == nil { firstSkipped = page }
              skipped &+= 1
            }
            continue
          }
          if budget < 0 {
            hold.hooks.words[ReportingWords.state] = ReportingRequest.requested
            hold.rotate(list, toFront: page)
            return .listDone
          }
          if empty == 0 {
            hold.rotate(list, toFront: page)
            return .sheetFull
          }
          if Self.boundsHolds && allowed &>> UInt64(truncatingIfNeeded: order) == 0 {
            hold.rotate(list, toFront: page)
            return .spent
          }
          if !hold.isolate(page) {
            hold.rotate(list, toFront: page)
            return .listDone
          }
          empty &-= 1
          sheet.store(Block(pfn: hold.core.pfn(page), order: order).rawValue, at: empty)
          taken &+= 1 &<< UInt64(truncatingIfNeeded: order)
          if Self.boundsHolds {
            room &-= 1
            allowed &-= 1 &<< UInt64(truncatingIfNeeded: order)
          }
        }
        return .listDone
      }
      if returned > 0 { sink.didReturn(pages: returned) }
      if taken > 0 { sink.didTake(pages: taken, initialized: false) }
      left = empty
      if wasAccepted == false { return .refused }
      if Self.boundsHolds {
        pages = allowed
        if end == .bound { continue }
        if end == .spent { return .spent }
      }
      if end != .sheetFull { return isStopped ? .stopped : .done }
      if stop.isSet { return .stopped }
      let isAccepted = report(&sink, sheet, 0..<capacity)
      empty = capacity
      left = capacity
      budget &-= 1
      if Self.boundsHolds {
        drain(&cpu, &sink, sheet, zone, 0, reported: isAccepted)
        if !isAccepted { return .refused }
      } else {
        wasAccepted = isAccepted
      }
    }
  }

  /// Reports these entries of the sheet, and waits until the host has answered. Returns false if the queue refused them.
  @inline(__always)
  private func report<Sink: HintSink>(_ sink: inout Sink, _ sheet: HintBuffer, _ range: Range<Int>) -> Bool {
    if Self.boundsHolds && state.hasOwnBuffers { return sink.reportEach(sheet, range) }
    return sink.report(sheet, range)
  }

  /// page_reporting_drain(): puts back these entries, and marks as reported those that were accepted and didn't merge.
  /// Returns the number of pages.
  @inline(__always)
  private func putBack<Probe: LockProbe, Rules: KernelRules>(
    _ hold: inout GuestCPU<Probe, Hooks, Rules>.Hold, _ sheet: HintBuffer, _ range: Range<Int>, reported: Bool
  ) -> UInt64 {
    var pages: UInt64 = 0
    var index = range.lowerBound
    while index < range.upperBound {
      let block = Block(rawValue: sheet[index])
      let page = hold.core.page(block.pfn)
      hold.items &+= 1
      if Self.marksBeforePutBack != 0 && reported { page.add(marks: Self.marksBeforePutBack) }
      let isItself = hold.putBack(page, order: block.order, hold.core.pageblockMigratetype(block.pfn))
      if reported && isItself { page.setReported(true) }
      pages &+= block.pages
      index &+= 1
    }
    return pages
  }

  /// Drains the sheet in a hold of its own, at a zone's end; bounded, in several.
  @inline(__always)
  private func drain<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ sheet: HintBuffer, _ zone: Zone, _ first: Int,
    reported: Bool
  ) {
    var first = first
    repeat {
      let end = Self.boundsHolds ? first &+ min(state.take, state.capacity &- first) : state.capacity
      let pages = cpu.withZoneLocked(zone) { hold in putBack(&hold, sheet, first..<end, reported: reported) }
      sink.didReturn(pages: pages)
      first = end
    } while Self.boundsHolds && first < state.capacity
  }

  /// Puts back what a stopped run has taken but not reported.
  @inline(__always)
  private func giveUp<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ sheet: HintBuffer, _ zone: Zone, _ left: Int
  ) {
    if left < state.capacity { drain(&cpu, &sink, sheet, zone, left, reported: false) }
  }
}

/// How a run, or a part of it, ended. `spent`: no page more may be reported.
private enum ReportingEnd {
  case done, spent, stopped, refused
}

/// Why a hold of the cycle ended.
private enum HoldEnd {
  /// Nothing more is to be looked at in this list, in this run.
  case listDone
  /// An unreported entry leads, and the sheet has no room for it.
  case sheetFull
  /// It has looked at enough; the list goes on with its first entry.
  case bound
  /// An unreported entry leads, and no page more may be reported.
  case spent
}
