import GuestMemory
import Instruments

/// Sends a strategy's hints to a host on another thread, which acts on them: the driver's half of a real delivery, as
/// in the threads, 4.20 and 5.7.
///
/// Commands and buffer headers carry the session's id. One queue entry is reserved for the command. If no other entry
/// is free, a block is dropped, or given back and tried again, as the strategy does; sending a buffer waits until the
/// host has returned it. Each kick that the host wants is a write to its eventfd plus a set cost, which stands for the
/// VM exit.
///
/// A trivial struct; its ``DeliveryChannel`` must outlive it.
public struct DeliverySink: HintSink {
  private let queue: HintQueue
  private let host: Unmanaged<HostThread>
  private let memory: DriverMemory
  private let sessionID: UInt32
  private let exitTicks: UInt64
  private let notesTimes: Bool
  private let stop: StopFlag
  private var isInSession = false
  /// Bytes that may still be named before the session is stopped, and the size of the last step.
  private var bytesLeft: UInt64

  /// The strategy's kicks, whether the host wanted them or not.
  public private(set) var kicks = 0
  /// The kicks that the host wanted: one VM exit each.
  public private(set) var exits = 0
  public private(set) var descriptors = 0
  /// Hints put into the queue, and their bytes; duplicates included.
  public private(set) var hints = 0
  public private(set) var bytes: UInt64 = 0
  /// Hints that found no free entry and weren't tried again.
  public private(set) var dropped = 0
  /// Reports that found no free entry; the strategy gave the block back.
  public private(set) var refused = 0

  init(
    queue: HintQueue, host: HostThread, memory: DriverMemory, sessionID: UInt32, exitTicks: UInt64, notesTimes: Bool,
    stop: StopFlag, mostBytes: UInt64
  ) {
    self.queue = queue
    self.host = .passUnretained(host)
    self.memory = memory
    self.sessionID = sessionID
    self.exitTicks = exitTicks
    self.notesTimes = notesTimes
    self.stop = stop
    bytesLeft = mostBytes
  }

  // MARK: commands and buffers

  public mutating func command() {
    let word = memory.command(ends: isInSession)
    word.pointee = isInSession ? 0 : sessionID
    isInSession.toggle()
    kicks &+= 1
    descriptors &+= 1
    let address = UInt64(UInt(bitPattern: word))
    sendChain(count: 1, deviceWrites: false) { _ in (address, 4) }
  }

  public mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors count: Int) {
    kicks &+= 1
    descriptors &+= count
    memory.header.pointee = DriverMemory.Header(
      sessionID: sessionID, format: format, words: buffer.words, count: words, time: now())
    let address = UInt64(UInt(bitPattern: memory.header))
    let isSent = sendChain(count: count, deviceWrites: false) { position in
      // After the header come the buffers that the chain's further descriptors would name: the host reads them in
      // place.
      position == 0 ? (address, DriverMemory.Header.bytes) : (0, 0)
    }
    guard isSent else { return }
    var sum: UInt64 = 0
    buffer.forEachBlock(words: words, format) {
      hints &+= 1
      sum &+= $0.bytes
    }
    account(bytes: sum)
    _ = queue.waitUntilAllUsed()
  }

  /// Sends a chain, waiting for room if necessary. Returns false if the host failed.
  @discardableResult
  private mutating func sendChain(
    count: Int, deviceWrites: Bool, _ body: (Int) -> (address: UInt64, length: UInt32)
  ) -> Bool {
    queue.reclaim()
    while true {
      let head = queue.driver.nextID
      if queue.descriptorsFree >= count { memory.time(head: head).pointee = now() }
      if queue.driver.addChain(count: count, deviceWrites: deviceWrites, body) { break }
      if queue.isDead { return false }
      notifyIfWanted()
      MonotonicClock.sleep(nanoseconds: 1000)
      queue.reclaim()
    }
    notifyIfWanted()
    return true
  }

  // MARK: single blocks

  @inline(__always)
  public mutating func hint(_ block: Block) -> Bool { put(block) }

  @inline(__always)
  public mutating func didDrop() { dropped &+= 1 }

  public var queueSize: Int { @inline(__always) get { queue.size } }
  public var descriptorsFree: Int { @inline(__always) get { queue.descriptorsFree } }

  @inline(__always)
  public mutating func kick() {
    kicks &+= 1
    notifyIfWanted()
  }

  @inline(__always)
  public mutating func reclaim() { queue.reclaim() }

  @inline(__always)
  public mutating func report(_ block: Block) -> Bool {
    guard put(block) else {
      refused &+= 1
      return false
    }
    kicks &+= 1
    notifyIfWanted()
    return true
  }

  @inline(__always)
  private mutating func put(_ block: Block) -> Bool {
    guard queue.descriptorsFree > 1 else { return false }
    memory.time(head: queue.driver.nextID).pointee = now()
    guard queue.add(block) else { return false }
    hints &+= 1
    descriptors &+= 1
    account(bytes: block.bytes)
    return true
  }

  // MARK: chains of blocks

  public mutating func report(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    guard !range.isEmpty, range.count <= queue.size else { return false }
    kicks &+= 1
    descriptors &+= range.count
    var sum: UInt64 = 0
    let isSent = sendChain(count: range.count, deviceWrites: true) { position in
      let block = Block(rawValue: blocks[range.lowerBound &+ position])
      sum &+= block.bytes
      return (block.pfn &<< 12, UInt32(truncatingIfNeeded: block.bytes))
    }
    guard isSent else { return false }
    hints &+= range.count
    account(bytes: sum)
    return queue.waitUntilAllUsed()
  }

  public mutating func waitUntilUsed() -> Bool { finish() }

  public mutating func reportEach(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    kicks &+= 1
    queue.reclaim()
    for index in range {
      let block = Block(rawValue: blocks[index])
      while true {
        memory.time(head: queue.driver.nextID).pointee = now()
        if queue.add(block) { break }
        if queue.isDead { return false }
        notifyIfWanted()
        queue.reclaim()
      }
      descriptors &+= 1
      hints &+= 1
      account(bytes: block.bytes)
    }
    notifyIfWanted()
    return queue.waitUntilAllUsed()
  }

  @inline(__always) public mutating func didTake(pages: UInt64, initialized: Bool) {}
  @inline(__always) public mutating func didReturn(pages: UInt64) {}

  // MARK: the end

  /// Waits until the host has acted on everything. Returns false if it failed.
  public mutating func finish() -> Bool {
    notifyIfWanted()
    return queue.waitUntilAllUsed()
  }

  // MARK: common parts

  @inline(__always)
  private func now() -> UInt64 { notesTimes ? CycleClock.begin() : 0 }

  /// Accounts for a step, and stops the session if another one of this size would exceed the limit.
  @inline(__always)
  private mutating func account(bytes step: UInt64) {
    bytes &+= step
    if bytesLeft == .max { return }
    bytesLeft -= min(step, bytesLeft)
    if bytesLeft < step { stop.set() }
  }

  @inline(__always)
  private mutating func notifyIfWanted() {
    guard queue.driver.kickPrepare() else { return }
    notify()
  }

  @inline(never)
  private mutating func notify() {
    exits &+= 1
    host._withUnsafeGuaranteedRef { $0.notify() }
    let begin = CycleClock.begin()
    while CycleClock.ticks(from: begin, to: CycleClock.end()) < exitTicks {}
  }
}
