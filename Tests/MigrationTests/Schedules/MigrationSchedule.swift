import GuestMemory

@testable import Migration

/// One migration of a tiny guest, step by step: who goes next, and what it does, a seed decides.
///
/// Five actors: the guest's users (allocate, write, free), its reporter (reads the id, looks at the lists, sends), the
/// host's thread that serves the queue, the migration thread (sends, syncs), and the log. Each takes its steps in its
/// own order and may be held up between any two for as long as the seed likes, as threads may.
struct MigrationSchedule {
  /// What is done wrong, to show that the oracle sees it.
  enum Fault: CaseIterable {
    /// The session isn't stopped before the sync.
    case hintsAppliedAfterTheNextSync
    /// The host takes the guest's word for the id.
    case staleIDAccepted
    /// The guest hints what it found before the log noted writes.
    case hintOfABlockTakenBeforeTheLog
    /// The sync doesn't wait for the hint that the host's thread has in hand.
    case stopNotWaitedFor
    /// The sync clears the log, and then copies it.
    case logClearedBeforeTheCopy
    /// The hint clears one unit more than its block has.
    case clearedBeyondTheBlock
    /// A unit's bit is cleared after it was sent.
    case clearedAfterSending
  }

  /// What the guest's kernel expects of free pages.
  struct Kernel {
    /// What it writes into what it frees, and relies on when it allocates: page poisoning, or zeroes of init_on_free.
    var pattern: UInt32?
    /// The reporter holds what it reports until the migration is over, and then gives it back (and poisons it);
    /// otherwise it only names what is free.
    var holdsBlocks = false
  }

  private enum Element {
    case command(UInt32)
    case hint(Range<Int>)
  }

  private enum Use {
    case free
    /// Allocated, and not written since: what it holds is nobody's.
    case taken
    case used
    /// By the reporter.
    case held
  }

  private static let units = 24
  static let poison = UInt32.max

  private let fault: Fault?
  private let kernel: Kernel
  private var generator: SeededGenerator

  private var versions = PageVersions(units: units)
  private var bitmap = MigrationBitmap(units: units, allSet: true)
  private var log = MigrationBitmap(units: units, allSet: false)
  private var isLogging = false
  private var use = [Use](repeating: .free, count: units)

  private var host = FreePageHintHost()
  private var queue: [Element] = []
  /// Popped by the host's thread, with what it decided then; under the lock.
  private var inHand: (units: Range<Int>, isAccepted: Bool)?

  /// The reporter: whether it was told of a change, the session it works for, what it has found and not sent, how far
  /// it has looked.
  private var isTold = false
  private var session: UInt32?
  private var found: [Range<Int>] = []
  private var position = 0

  private var syncs = 0
  /// Being sent: cleared, and not copied yet; or the other way round.
  private var sending: Int?
  private var cursor = 0

  /// Hints that cleared something, in all: schedules that apply none show nothing.
  private(set) var cleared = 0

  init(seed: UInt64, fault: Fault? = nil, kernel: Kernel = Kernel()) {
    self.fault = fault
    self.kernel = kernel
    generator = SeededGenerator(seed: seed, stream: 1)
    for unit in 0..<Self.units {
      if generator.chance(0.5) {
        use[unit] = .used
        versions.write(unit)
      } else if generator.chance(0.5) {
        // Free, and somebody had it before.
        versions.write(unit)
      }
      if let pattern = kernel.pattern, use[unit] == .free { versions.set(unit, pattern) }
    }
  }

  /// Runs it to the switch-over. What was lost there, if anything.
  mutating func run() -> PageVersions.Loss? {
    if fault == .hintOfABlockTakenBeforeTheLog { while let block = nextFree() { found.append(block) } }
    for _ in 0..<generator.below(12) { useMemory() }
    isLogging = true
    // The first sync comes with the setup, and the first session after it.
    sync()
    let rounds = 2 + generator.below(3)
    while syncs < rounds {
      switch generator.below(10) {
      case 0..<3: useMemory()
      case 3..<6: report()
      case 6..<8: serve()
      default: migrate()
      }
    }
    return switchOver()
  }

  // MARK: the guest

  private mutating func write(_ unit: Int, _ version: UInt32? = nil) {
    if let version {
      versions.set(unit, version)
    } else {
      versions.write(unit)
      use[unit] = .used
    }
    if isLogging { log.set(unit) }
  }

  private mutating func useMemory() {
    let unit = generator.below(Self.units)
    switch use[unit] {
    case .free:
      use[unit] = .taken
      // Some write at once, others later or never.
      if generator.chance(0.8) { write(unit) }
    case .taken, .used:
      if generator.chance(0.6) {
        write(unit)
      } else {
        use[unit] = .free
        if let pattern = kernel.pattern { write(unit, pattern) }
      }
    case .held: break
    }
  }

  /// The next free block behind what the reporter has looked at: of one unit, or of two that lie as a block of two
  /// would.
  private mutating func nextFree() -> Range<Int>? {
    while position < Self.units {
      let unit = position
      guard use[unit] == .free else {
        position += 1
        continue
      }
      let isPair = unit % 2 == 0 && use[unit + 1] == .free
      position += isPair ? 2 : 1
      return unit..<position
    }
    return nil
  }

  private mutating func report() {
    if isTold {
      // Between two blocks it looks whether its session is still the one.
      isTold = false
      let id = host.configID
      if session != nil && session != id {
        queue.append(.command(FreePageHintHost.stopID))
        session = nil
        if fault != .hintOfABlockTakenBeforeTheLog { found = [] }
      }
      if id >= FreePageHintHost.leastID && session == nil {
        session = id
        queue.append(.command(id))
        position = 0
      }
      return
    }
    guard session != nil else { return }
    if !found.isEmpty && generator.chance(0.5) {
      let block = found.removeFirst()
      queue.append(.hint(block))
    } else if found.count < 4, let block = nextFree() {
      found.append(block)
      if kernel.holdsBlocks { for unit in block { use[unit] = .held } }
    }
  }

  // MARK: the host

  private mutating func serve() {
    if let (units, isAccepted) = inHand {
      inHand = nil
      if isAccepted { cleared += bitmap.clear(units) }
      return
    }
    guard !queue.isEmpty else { return }
    switch queue.removeFirst() {
    case .command(let id):
      host.command(fault == .staleIDAccepted && id >= FreePageHintHost.leastID ? host.id : id)
    case .hint(let block):
      let end = fault == .clearedBeyondTheBlock ? min(block.upperBound + 1, Self.units) : block.upperBound
      inHand = (block.lowerBound..<end, host.isAccepting)
    }
  }

  private mutating func migrate() {
    if let unit = sending {
      sending = nil
      if fault == .clearedAfterSending {
        // What was written since is in the log, and a sync brings it in.
        if generator.chance(0.5) { sync() }
        bitmap.clear(unit..<unit + 1)
      } else {
        versions.copy(unit)
      }
    } else if generator.chance(0.15) {
      sync()
    } else if let unit = bitmap.next(from: cursor) ?? bitmap.next(from: 0) {
      cursor = unit + 1
      sending = unit
      if fault == .clearedAfterSending { versions.copy(unit) } else { bitmap.clear(unit..<unit + 1) }
    }
  }

  private mutating func sync() {
    // The lock: the host's thread has nothing in hand while a session is stopped.
    if inHand != nil && fault != .stopNotWaitedFor { serve() }
    if fault != .hintsAppliedAfterTheNextSync || host.status != .start { host.stop() }
    takeLog()
    syncs += 1
    if host.status == .stop { host.begin() }
    isTold = true
  }

  private mutating func takeLog() {
    if fault == .logClearedBeforeTheCopy {
      var lost = MigrationBitmap(units: Self.units, allSet: false)
      swap(&lost, &log)
    }
    bitmap.take(&log)
  }

  /// The guest stands still, and what is left is sent.
  private mutating func switchOver() -> PageVersions.Loss? {
    if let unit = sending {
      if fault == .clearedAfterSending { bitmap.clear(unit..<unit + 1) } else { versions.copy(unit) }
      sending = nil
    }
    if inHand != nil && fault != .stopNotWaitedFor { serve() }
    host.stop()
    takeLog()
    // A hint in hand is applied behind the sync's back.
    if inHand != nil { serve() }
    host.finish()
    while let unit = bitmap.next(from: 0) {
      bitmap.clear(unit..<unit + 1)
      versions.copy(unit)
    }
    return versions.firstLoss { unit in
      switch use[unit] {
      case .used: true
      case .free: kernel.pattern != nil
      // Written by whoever allocated it before it is read: virtio 1.2, 5.5.6.4, has hinted pages uninitialised.
      case .taken: false
      // Given back now, and written over as anything that is freed.
      case .held: false
      }
    }
  }
}
