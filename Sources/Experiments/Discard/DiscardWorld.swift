import Delivery
import GuestMemory
import Hinting

/// A guest with users, a strategy's session, and a host that acts on its hints, all on one thread: a course says who acts
/// whenever the strategy calls, and around each of its holds of a zone lock.
///
/// A hold is atomic, as in the kernel: nobody else takes a zone's lock meanwhile. That covers a callback under the lock,
/// too; the host needs no lock. Buffers are used in the order in which they were queued, and the driver sees that when
/// it looks.
final class DiscardWorld: HintReceiver {
  /// A buffer in the queue.
  private struct Buffer {
    var hints: [HintedMemory.Hint]
    var descriptors: Int
    var queuedAt: Int
  }

  /// What happened, to be told.
  enum Event {
    case unlocked
    case sent([Block])
    case hinted(Block)
    case reported([Block])
    case used([Block])
    case shrunk(Block)
    case allocated(Block)
  }

  let guest: Guest
  let memory: HintedMemory
  private let runner: StrategyRunner
  private let shrinker: Shrinker?
  private let users: [AnyAllocator]
  let course: any DiscardCourse
  let queueSize: Int

  private var queue: [Buffer] = []
  private var queueStart = 0
  /// The time, in whatever steps the course counts.
  var now = 0
  /// Descriptors that the host has used and the driver hasn't detached.
  private var descriptorsUsed = 0
  private(set) var descriptorsFree: Int
  /// Whether the driver has looked at what was used since it queued the last buffer.
  private var hasLooked = false

  /// Whether the strategy holds a zone's lock.
  private(set) var isLocked = false
  /// Blocks named to the host, each time they were.
  private(set) var hints = 0
  /// Buffers that the host has used, commands included.
  private(set) var buffersUsed = 0
  /// Blocks that reclaim took back from the strategy.
  private(set) var blocksShrunk = 0
  private(set) var allocationsFailed = 0
  /// What happened since the session began; nil if nobody wants to know.
  var events: [Event]?

  /// - Parameters:
  ///   - runner: of a strategy that is prepared for the guest.
  ///   - reclaims: whether a user that finds no memory reclaims some, and others may reclaim at any time.
  init(_ guest: Guest, _ runner: StrategyRunner, _ use: HintUse, reclaims: Bool, _ course: any DiscardCourse) {
    self.guest = guest
    self.runner = runner
    self.course = course
    memory = HintedMemory(guest, use)
    shrinker = reclaims ? runner.shrinker : nil
    // The strategy runs on CPU 0.
    let cpus = guest.geometry.cpuCount
    users = (cpus > 1 ? Array(1..<cpus) : [0]).map { runner.allocator(guest, cpu: $0) }
    queueSize = runner.queue.size
    descriptorsFree = queueSize
  }

  /// Back to the guest's starting state.
  func reset() {
    guest.restore()
    runner.reset(guest.core)
    memory.reset()
    now = 0
    hints = 0
    buffersUsed = 0
    blocksShrunk = 0
    allocationsFailed = 0
  }

  /// Runs a session: the strategy's own part, then the rest of the host's, then what the strategy holds goes back.
  ///
  /// - Returns: how it ended, and the units in use that don't hold what was written.
  func runSession(_ session: Session) -> (outcome: Outcome, losses: [PageLoss]) {
    if events != nil { events = [] }
    memory.beginSession()
    course.pause(self)
    let outcome = runner.forward(.init(guest), session, to: self)
    course.pause(self)
    waitForHost()
    reclaim()
    runner.giveBack(.init(guest), session, to: self)
    return (outcome, memory.endSession())
  }

  private func waitForHost() {
    while hasBuffers { course.wait(self) }
  }

  // MARK: what a course can do

  /// Whether the host has something to act on.
  var hasBuffers: Bool { queueStart < queue.count }

  /// When the buffer that the host acts on next was queued; nil if there is none.
  var nextQueuedAt: Int? { hasBuffers ? queue[queueStart].queuedAt : nil }

  /// The number of users.
  var userCount: Int { users.count }

  /// The host acts on the next buffer.
  func useNext() {
    let buffer = queue[queueStart]
    queueStart += 1
    if queueStart == queue.count {
      queue.removeAll(keepingCapacity: true)
      queueStart = 0
    }
    for hint in buffer.hints { memory.act(on: hint) }
    descriptorsUsed += buffer.descriptors
    buffersUsed += 1
    if !buffer.hints.isEmpty { events?.append(.used(buffer.hints.map(\.block))) }
  }

  /// Whether reclaim has something of the strategy's to take.
  var canShrink: Bool { shrinker.map { $0.pages > 0 } ?? false }

  /// Reclaim asks the strategy's shrinker once, on a user's CPU. Returns whether it gave something.
  @discardableResult
  func shrink(on user: Int) -> Bool {
    guard let shrinker else { return false }
    return shrinker.scan { block in
      users[user].free(block)
      blocksShrunk += 1
      events?.append(.shrunk(block))
    } > 0
  }

  /// A user allocates a block and writes to all of it. If there is none it reclaims, until there is or nothing is left to
  /// reclaim.
  func allocate(order: Int, _ gfp: GFP, user: Int) -> Block? {
    repeat {
      if let block = users[user].allocate(order: order, gfp) {
        memory.take(block)
        events?.append(.allocated(block))
        return block
      }
    } while shrink(on: user)
    allocationsFailed += 1
    return nil
  }

  /// A user frees a block.
  func free(_ block: Block, user: Int) {
    memory.giveBack(block)
    users[user].free(block)
  }

  // MARK: the strategy's calls

  func didAcquire() { isLocked = true }

  func didRelease() {
    isLocked = false
    events?.append(.unlocked)
    course.pause(self)
  }

  func command() {
    add([], descriptors: 1)
    course.pause(self)
  }

  func send(_ blocks: [Block], descriptors: Int) {
    events?.append(.sent(blocks))
    add(blocks.map { memory.hint($0, isHeld: false) }, descriptors: descriptors)
    course.pause(self)
    waitForHost()
    reclaim()
  }

  func hint(_ block: Block) -> Bool {
    guard descriptorsFree > 1 else { return false }
    events?.append(.hinted(block))
    add([memory.hint(block, isHeld: false)], descriptors: 1)
    course.pause(self)
    return true
  }

  func report(_ block: Block) -> Bool {
    guard descriptorsFree > 1 else { return false }
    events?.append(.reported([block]))
    add([memory.hint(block, isHeld: true)], descriptors: 1)
    course.pause(self)
    return true
  }

  func report(_ blocks: [Block]) -> Bool {
    guard !blocks.isEmpty, blocks.count <= queueSize else { return false }
    events?.append(.reported(blocks))
    add(blocks.map { memory.hint($0, isHeld: true) }, descriptors: blocks.count)
    course.pause(self)
    return waitUntilUsed()
  }

  func reclaim() {
    // Whoever looks again without having queued anything waits for the host (a busy wait, a full queue).
    if hasLooked && hasBuffers { course.wait(self) } else { course.pause(self) }
    hasLooked = true
    descriptorsFree += descriptorsUsed
    descriptorsUsed = 0
  }

  func waitUntilUsed() -> Bool {
    waitForHost()
    descriptorsFree += descriptorsUsed
    descriptorsUsed = 0
    return true
  }

  func didTake(pages: UInt64) {}
  func didReturn(pages: UInt64) {}

  /// Queues a buffer, as soon as there is room.
  private func add(_ hints: [HintedMemory.Hint], descriptors: Int) {
    while descriptorsFree < descriptors {
      if descriptorsUsed == 0 { course.wait(self) }
      descriptorsFree += descriptorsUsed
      descriptorsUsed = 0
    }
    descriptorsFree -= descriptors
    hasLooked = false
    queue.append(Buffer(hints: hints, descriptors: descriptors, queuedAt: now))
    self.hints += hints.count
  }
}
