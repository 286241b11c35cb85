import Delivery
import GuestMemory
import Instruments
import Migration
import Synchronization

/// A host that acts on what a strategy tells it, as QEMU's balloon device does: hints within the session that it asked
/// for and no other, reports at any time, and all of it under one lock.
final class DeliveryHost: Sendable {
  private let state: Mutex<State>

  /// How it looks at the guest's pages at the moment it acts on a block.
  struct Watch {
    let core: GuestCore
    let expects: Expectation

    /// What a block should be then.
    enum Expectation {
      /// Named, and the guest's: free, if it hasn't been used since.
      case free
      /// Taken by alloc_pages() and held.
      case allocated
      /// Off the lists by isolation.
      case isolated
    }

    /// A look without a lock, and without the strategy's word.
    func isAsExpected(_ block: Block) -> Bool {
      switch expects {
      case .free: core.isWhollyFreeUnlocked(block)
      case .allocated: core.isHeldUnlocked(block, isReferenced: true)
      case .isolated: core.isHeldUnlocked(block, isReferenced: false)
      }
    }
  }

  /// What it did.
  struct Figures {
    /// Hints it acted on, and their bytes; repeated ones count again.
    var acted = 0
    var bytes: UInt64 = 0
    /// Hints outside of its session.
    var ignored = 0
    /// Hints smaller than a host page, of which nothing can be given back.
    var tooSmall = 0
    /// Hints whose block was no longer what it should be.
    var stale = 0
    /// Blocks that the kernel refused to give back.
    var failed = 0
    /// Blocks for which there was no memory left, so that what was given back before stood for theirs.
    var withoutMemory = 0
    /// Bits it cleared in its bitmap.
    var bitsCleared = 0
    /// When it had acted on the last of them; 0: on none. Clock ticks.
    var lastTicks: UInt64 = 0
    /// From a hint's being put into the queue until it was acted on; empty if that isn't noted.
    var latency = DurationHistogram()
  }

  /// - Parameters:
  ///   - action: what it does with a block.
  ///   - memory: what it gives back; nil if the action gives back none.
  ///   - bitmap: in which it clears bits.
  ///   - needsSession: whether hints belong to a session, or are reports of their own.
  ///   - watch: nil: it looks at no page.
  ///   - log: gets every block that was acted on; must outlive the host.
  init(
    _ action: HostAction, memory: HostMemory? = nil, bitmap: MigrationBitmap? = nil, needsSession: Bool,
    watch: Watch? = nil, log: HintLog
  ) {
    state = Mutex(
      State(
        action: action, needsSession: needsSession, watch: watch, bitmap: bitmap, memory: memory, log: log.writer))
  }

  /// Asks the guest for a session; its id.
  func begin() -> UInt32 {
    state.withLock { state in
      state.session.begin()
      return state.session.id
    }
  }

  /// No hint is applied after it returns.
  func stop() { state.withLock { $0.session.stop() } }

  var figures: Figures { state.withLock { $0.figures } }

  /// Whether a unit has still to be sent; nil without a bitmap.
  func isDirty(_ unit: Int) -> Bool? { state.withLock { $0.bitmap?[unit] } }

  /// Acts on one chain.
  func serve(_ chain: VirtqueueChain, _ memory: DriverMemory) {
    state.withLock { state in
      chain.read(memory, &state)
    }
  }

  /// `@unchecked Sendable`: the log's writer is used under the lock only, and so is all the rest.
  private struct State: DriverMessageReader, @unchecked Sendable {
    let action: HostAction
    let needsSession: Bool
    let watch: Watch?
    var session = FreePageHintHost()
    var bitmap: MigrationBitmap?
    let memory: HostMemory?
    let log: HintLog.Writer
    /// Where the next block's memory lies.
    var place = 0
    /// Whether the buffer at hand answers the session.
    var takesBuffer = false
    var figures = Figures()

    mutating func command(_ id: UInt32) { session.command(id) }

    mutating func buffer(sessionID: UInt32) {
      // Of the strategies whose buffers are all they say the first one is the answer.
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

    /// False where it is less than a page.
    private mutating func giveBack(_ block: Block) -> Bool {
      guard let memory, block.bytes >= UInt64(memory.page.rawValue) else { return false }
      let size = min(Int(block.bytes), memory.bytes)
      let isFull = place + size > memory.bytes
      if isFull { place = 0 }
      // From the first that found it full on, all lie where others did.
      if isFull || figures.withoutMemory > 0 { figures.withoutMemory += 1 }
      if !memory.giveBack(place..<place + size) { figures.failed += 1 }
      place += size
      return true
    }
  }
}
