import GuestMemory
import Instruments

/// Records every hint and tracks the pages the strategy takes: the sink of the probed pass.
public struct RecordingSink: HintSink {
  private let log: HintLog.Writer
  private let core: GuestCore
  private let queue: HintQueue
  public private(set) var kicks = 0
  public private(set) var descriptors = 0
  /// Pages off the lists now.
  public private(set) var pagesWithheld: UInt64 = 0
  /// The peak of pages off the lists.
  public private(set) var pagesWithheldMax: UInt64 = 0
  /// The integral of pages withheld over time, in pages x clock ticks.
  public private(set) var pageTicksWithheld: Double = 0
  /// The fewest free pages in all zones seen after a block was taken.
  public private(set) var freePagesMin: UInt64
  /// Pages that a kernel with init_on_alloc or init_on_free would have zeroed.
  public private(set) var pagesInitializedAtAlloc: UInt64 = 0
  public private(set) var pagesReturned: UInt64 = 0
  private var lastChange: UInt64
  /// Called with the words of each chain after the host has acknowledged it, while the strategy still holds the blocks.
  public var onReport: ((_ blocks: HintBuffer, _ range: Range<Int>) -> Void)?

  /// Creates a sink. `log` and the queue's device must outlive it.
  public init(_ log: HintLog, _ core: GuestCore, _ queue: HintQueue) {
    self.log = log.writer
    self.queue = queue
    self.core = core
    freePagesMin = core.freePages
    lastChange = CycleClock.begin()
  }

  public mutating func command() {
    kicks += 1
    descriptors += 1
    queue.send(descriptors: 1)
  }

  public mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors: Int) {
    kicks += 1
    self.descriptors += descriptors
    queue.send(descriptors: descriptors)
    buffer.forEachBlock(words: words, format) { log.append($0, held: false) }
  }

  public mutating func hint(_ block: Block) -> Bool {
    guard queue.descriptorsFree > 1, queue.add(block) else { return false }
    descriptors &+= 1
    log.append(block, held: false)
    return true
  }

  public var queueSize: Int { queue.size }
  public var descriptorsFree: Int { queue.descriptorsFree }

  public mutating func kick() {
    kicks &+= 1
    queue.kick()
  }

  public mutating func reclaim() { queue.reclaim() }

  public mutating func report(_ block: Block) -> Bool {
    guard queue.descriptorsFree > 1, queue.add(block) else { return false }
    kicks += 1
    descriptors += 1
    queue.kick()
    log.append(block, held: true)
    return true
  }

  public mutating func report(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    note(blocks, range, isAccepted: queue.report(blocks, range))
  }

  public mutating func reportEach(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    note(blocks, range, isAccepted: queue.reportEach(blocks, range))
  }

  private mutating func note(_ blocks: HintBuffer, _ range: Range<Int>, isAccepted: Bool) -> Bool {
    kicks += 1
    descriptors += range.count
    guard isAccepted else { return false }
    for index in range { log.append(Block(rawValue: blocks[index]), held: true) }
    onReport?(blocks, range)
    return true
  }

  public mutating func waitUntilUsed() -> Bool { queue.waitUntilAllUsed() }

  public mutating func didTake(pages: UInt64, initialized: Bool) {
    if initialized { pagesInitializedAtAlloc += pages }
    change(to: pagesWithheld + pages)
    pagesWithheldMax = max(pagesWithheldMax, pagesWithheld)
    freePagesMin = min(freePagesMin, core.freePages)
  }

  public mutating func didReturn(pages: UInt64) {
    pagesReturned += pages
    change(to: pagesWithheld - min(pages, pagesWithheld))
  }

  /// Bytes off the lists, integrated over time up to the last change. Byte-seconds.
  public var pageSecondsWithheld: Double { CycleClock.nanoseconds(fromTicks: 1) * pageTicksWithheld / 1e9 }

  /// Pauses the session's time until ``goOn()``: checking a report takes time while the strategy holds its blocks.
  public mutating func pause() { change(to: pagesWithheld) }

  /// Resumes the session's time.
  public mutating func goOn() { lastChange = CycleClock.begin() }

  private mutating func change(to pages: UInt64) {
    let now = CycleClock.end()
    pageTicksWithheld += Double(pagesWithheld) * Double(now - lastChange)
    lastChange = now
    pagesWithheld = pages
  }
}
