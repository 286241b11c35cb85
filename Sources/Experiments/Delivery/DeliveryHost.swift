import Delivery
import GuestMemory
import Instruments
import Migration
import Synchronization

/// A host that acts on a strategy's hints as QEMU's balloon device does: on hints only within the session it asked for,
/// on reports at any time, all under one lock.
final class DeliveryHost: Sendable {
  private let state: Mutex<State>

  /// How the host checks the guest's pages when it acts on a block.
  struct Watch {
    let core: GuestCore
    let expects: Expectation

    /// The expected state of a block.
    enum Expectation {
      /// Named but not held: free, unless it has been used since.
      case free
      /// Taken by alloc_pages() and held.
      case allocated
      /// Isolated from the lists.
      case isolated
    }

    /// Whether the block is in the expected state, by a look without a lock that doesn't rely on the strategy.
    func isAsExpected(_ block: Block) -> Bool {
      switch expects {
      case .free: core.isWhollyFreeUnlocked(block)
      case .allocated: core.isHeldUnlocked(block, isReferenced: true)
      case .isolated: core.isHeldUnlocked(block, isReferenced: false)
      }
    }
  }

  /// The host's counts.
  struct Figures {
    /// Hints acted on, and their bytes; duplicates included.
    var acted = 0
    var bytes: UInt64 = 0
    /// Hints outside the session.
    var ignored = 0
    /// Hints smaller than a host page, which can't be given back.
    var tooSmall = 0
    /// Hints whose block was no longer in the expected state.
    var stale = 0
    /// Blocks that the kernel refused to give back.
    var failed = 0
    /// Blocks for which no memory was left, so that memory given back earlier stood for theirs.
    var withoutMemory = 0
    /// Bits cleared in the bitmap.
    var bitsCleared = 0
    /// When the host had acted on the last hint; 0: on none. Clock ticks.
    var lastTicks: UInt64 = 0
    /// Time from putting a hint into the queue until it was acted on; empty if not noted.
    var latency = DurationHistogram()
  }

  /// - Parameters:
  ///   - action: the action on a block.
  ///   - memory: the memory to give back; nil if the action gives back none.
  ///   - bitmap: the bitmap to clear bits in.
  ///   - needsSession: whether hints belong to a session; otherwise they are reports.
  ///   - watch: the check of the guest's pages; nil: none.
  ///   - log: gets every block that was acted on; must outlive the host.
  init(
    _ action: HostAction, memory: HostMemory? = nil, bitmap: MigrationBitmap? = nil, needsSession: Bool,
    watch: Watch? = nil, log: HintLog
  ) {
    state = Mutex(
      State(
        action: action, needsSession: needsSession, watch: watch, bitmap: bitmap, memory: memory, log: log.writer))
  }

  /// Asks the guest for a session. Returns its id.
  func begin() -> UInt32 {
    state.withLock { state in
      state.session.begin()
      return state.session.id
    }
  }

  /// Ends the session. No hint is applied after this returns.
  func stop() { state.withLock { $0.session.stop() } }

  var figures: Figures { state.withLock { $0.figures } }

  /// Whether a unit must still be sent; nil without a bitmap.
  func isDirty(_ unit: Int) -> Bool? { state.withLock { $0.bitmap?[unit] } }

  /// Acts on one chain.
  func serve(_ chain: VirtqueueChain, _ memory: DriverMemory) {
    state.withLock { state in
      chain.read(memory, &state)
    }
  }

  /// `@unchecked Sendable`: the log's writer, like everything else here, is only used under the lock.
  private struct State: DriverMessageReader, @unchecked Sendable {
    let action: HostAction
    let needsSession: Bool
    let watch: Watch?
    var session = FreePageHintHost()
    var bitmap: MigrationBitmap?
    let memory: HostMemory?
    let log: HintLog.Writer
    /// The offset of the next block's memory.
    var place = 0
    /// Whether the current buffer answers the session.
    var takesBuffer = false
    var figures = Figures()

    mutating func command(_ id: UInt32) { session.command(id) }

    mutating func buffer(sessionID: UInt32) {
      // If a strategy's protocol has only buffers, the first one answers the session.
      if session.status == .requested { session.command(sessionID) }
      takesBuffer = session.isAccepting && sessionID == session.id
    }

    mutating func block(_ block: Block, inBuffer: Bool, time: UInt64) {
      guard !needsSession || (inBuffer ? takesBuffer : session.isAccepting) else {
        figures.ignored += 1
        return
      }
      if let watch, !watch.isAsExpected(block) { figures.stale += 1 }
      switch action {
      case .none: break
      case .bitmap: figures.bitsCleared += bitmap?.clear(block) ?? 0
      case .discard, .punch:
        guard giveBack(block) else {
          figures.tooSmall += 1
          return
        }
      }
      log.append(block, held: false)
      figures.acted += 1
      figures.bytes += block.bytes
      figures.lastTicks = CycleClock.end()
      if time > 0 { figures.latency.record(ticks: CycleClock.ticks(from: time, to: figures.lastTicks)) }
    }

    /// Gives a block back. Returns false if it is smaller than a page.
    private mutating func giveBack(_ block: Block) -> Bool {
      guard let memory, block.bytes >= UInt64(memory.page.rawValue) else { return false }
      let size = min(Int(block.bytes), memory.bytes)
      let isFull = place + size > memory.bytes
      if isFull { place = 0 }
      // From the first block that found the memory full, all blocks reuse memory.
      if isFull || figures.withoutMemory > 0 { figures.withoutMemory += 1 }
      if !memory.giveBack(place..<place + size) { figures.failed += 1 }
      place += size
      return true
    }
  }
}
