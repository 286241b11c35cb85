import GuestMemory

/// Users that allocate, write and free, and a host that is late, drawn from a seed.
///
/// Time is counted in the users' operations. Whenever the strategy calls, none or some of them happen (one on average);
/// while it waits, one after the other. The host acts on a buffer when `delay` operations have passed since it was queued,
/// half of that or half more, and never out of turn.
///
/// Under pressure users grow until an allocation fails and reclaim has nothing left; then they free an eighth of what they
/// have. Otherwise they keep to a quarter of the memory that was free, and nobody reclaims.
final class RandomCourse: DiscardCourse {
  private let delay: Int
  private let mostPages: UInt64
  private let freePages: UInt64
  private var generator: SeededGenerator
  private var delayDraws: SeededGenerator
  private var held: [Block] = []
  private var heldPages: UInt64 = 0
  /// When the host acts on the next buffer, once that is drawn.
  private var due: Int?
  /// The users' operations.
  private(set) var operations = 0

  /// - Parameter freePages: free at the start.
  init(delay: Int, isUnderPressure: Bool, freePages: UInt64, seed: UInt64) {
    self.delay = delay
    self.freePages = freePages
    mostPages = isUnderPressure ? .max : freePages / 4
    generator = SeededGenerator(seed: seed, stream: 310)
    delayDraws = SeededGenerator(seed: seed, stream: 311)
  }

  /// Between sessions: users come to hold some share of what they may.
  func settle(_ world: DiscardWorld) {
    let share = UInt64(generator.below(1000))
    let target = min(mostPages, freePages) / 1000 * share
    while heldPages > target { freeOne(world) }
    while heldPages < target, allocateOne(world) {}
  }

  func pause(_ world: DiscardWorld) {
    while generator.chance(0.5) { step(world) }
    let due = due(world)
    if let due, world.now >= due { use(world) }
  }

  func wait(_ world: DiscardWorld) {
    step(world)
    if let due = due(world), world.now >= due { use(world) }
  }

  /// When the host acts on the next buffer; nil if there is none.
  private func due(_ world: DiscardWorld) -> Int? {
    guard let queuedAt = world.nextQueuedAt else { return nil }
    if let due { return due }
    let drawn = queuedAt + delay / 2 + (delay > 0 ? delayDraws.below(delay + 1) : 0)
    due = drawn
    return drawn
  }

  /// The host acts on everything that is due.
  private func use(_ world: DiscardWorld) {
    while let next = due(world), world.now >= next {
      due = nil
      world.useNext()
    }
  }

  /// An operation of a user, if nobody has to wait for a lock.
  private func step(_ world: DiscardWorld) {
    world.now += 1
    if world.isLocked { return }
    operations += 1
    if heldPages < mostPages && generator.chance(0.5) {
      if !allocateOne(world) { for _ in 0..<held.count / 8 { freeOne(world) } }
    } else if !held.isEmpty && generator.chance(0.5) {
      world.memory.rewrite(held[generator.below(held.count)])
    } else {
      freeOne(world)
    }
  }

  private func allocateOne(_ world: DiscardWorld) -> Bool {
    // Single pages, a kernel's buffers, huge pages.
    let (order, gfp): (Int, GFP) =
      switch generator.below(10) {
      case 0..<4: (0, .userMovable)
      case 4..<7: (3, .kernel)
      default: (9, .userMovable)
      }
    let core = world.guest.core
    guard
      let block = world.allocate(
        order: min(max(order, core.granuleOrder), core.highestOrder), gfp, user: generator.below(world.userCount))
    else { return false }
    held.append(block)
    heldPages += block.pages
    return true
  }

  private func freeOne(_ world: DiscardWorld) {
    guard !held.isEmpty else { return }
    held.swapAt(generator.below(held.count), held.count - 1)
    let block = held.removeLast()
    heldPages -= block.pages
    world.free(block, user: generator.below(world.userCount))
  }
}
