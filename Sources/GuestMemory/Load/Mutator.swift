import CHost
import Instruments

/// A thread's load of allocations and frees while a strategy runs. Its choices come from a seed; latencies go into
/// memory reserved beforehand.
public final class Mutator<Probe: LockProbe, Hooks: AllocatorHooks, Rules: KernelRules>: @unchecked Sendable {
  // Right to send: its thread uses it between start and stop; the group reads it afterwards.
  @usableFromInline let load: MutatorLoad
  @usableFromInline var cpu: GuestCPU<Probe, Hooks, Rules>
  @usableFromInline var generator: SeededGenerator
  @usableFromInline var held: [Block] = []
  @usableFromInline var heldPages = 0
  /// What stays of processes that have ended, oldest first.
  @usableFromInline var cache = BlockQueue()
  @usableFromInline let most: Int
  @usableFromInline let rest: UInt64
  /// The operations of the current burst, and the pages of the current process.
  @usableFromInline var phase = 0
  @usableFromInline let notesTouches: Bool
  @usableFromInline var touches: [Block] = []
  @usableFromInline let log: HoldLog?
  /// One allocation of this many is timed. Counted down, and not by the number of operations, which would meet every
  /// refill of a per-CPU list or none.
  @usableFromInline let timedOneOf: Int
  @usableFromInline var untilTimed: Int
  @usableFromInline let memory: FaultingMemory?
  @usableFromInline var done = 0
  @usableFromInline var failed = 0
  @usableFromInline var failedAtomic = 0
  @usableFromInline var allocations = DurationHistogram()

  /// Creates a mutator. With a log, its probe writes there and all allocations are timed; without, those that the settings
  /// say.
  ///
  /// - Throws: ``GuestError/cannotReserve(bytes:)``
  @inlinable
  public init(
    _ guest: Guest, _ settings: MutatorSettings, probe: Probe, log: HoldLog?, hooks: Hooks, rules: Rules.Type
  ) throws(GuestError) {
    load = settings.load
    self.log = log
    cpu = GuestCPU(
      guest.core, cpu: settings.cpu, node: guest.geometry.node(ofCPU: settings.cpu), probe: probe, hooks: hooks,
      rules: rules)
    generator = SeededGenerator(seed: settings.seed, stream: 100 + UInt64(settings.cpu))
    most = max(settings.mostPages, 64)
    rest = settings.restNanoseconds
    notesTouches = settings.notesTouches
    timedOneOf = log == nil ? settings.timedOneOf : 1
    untilTimed = timedOneOf == 0 ? .max : timedOneOf
    memory = settings.load == .faults ? try FaultingMemory(pages: 1 << 14) : nil
    held.reserveCapacity(min(most, 1 << 20) + 64)
  }

  public var blocks: [Block] { held + cache.blocks }
  /// The log samples faulted in beforehand: about as many as a window of 100 ms fills.
  private static var prefaulted: Int { 1 << 17 }

  public func prepare() { log?.prefault(samples: Self.prefaulted) }

  public var operations: Int { done }
  public var refused: Int { failed }

  @inlinable
  public func burst() -> UInt64 {
    switch load {
    case .cycles: return cycle()
    case .bursts: return churnAndRest()
    case .build: buildOn()
    case .cache: growCache()
    case .none, .order0, .thp, .mixed, .faults, .compile: churn()
    }
    return 0
  }

  @inlinable
  func churn() {
    let allocates = heldPages < most / 4 || (heldPages < most && generator.chance(0.5))
    let isAtomic = load == .mixed && allocates && generator.below(5) == 0
    for _ in 0..<(1 + generator.below(64)) {
      if isAtomic {
        allocate(order: 3, .atomicContext)
      } else if allocates {
        allocate()
      } else {
        free()
      }
    }
  }

  /// Allocates up to 64 times, until it holds `enough` pages. Returns whether it does, or was refused more.
  @inlinable
  func fill(to enough: Int) -> Bool {
    let before = failed
    for _ in 0..<64 where heldPages < enough && failed == before { allocate() }
    return heldPages >= enough || failed > before
  }

  /// A process of ``most`` pages, and its exit, which counts as one operation.
  @inlinable
  func cycle() -> UInt64 {
    guard fill(to: most) else { return 0 }
    exit()
    done &+= 1
    return rest
  }

  /// A burst is over when it has had two operations for each page it may hold.
  @inlinable
  func churnAndRest() -> UInt64 {
    let before = done
    churn()
    phase &+= max(done &- before, 1)
    guard phase >= 2 &* most else { return 0 }
    phase = 0
    exit()
    done &+= 1
    return rest
  }

  /// Processes of an 1/16 to a half of ``most``, and a page cache of at most the other half.
  @inlinable
  func buildOn() {
    if phase == 0 { phase = most / 16 + generator.below(max(most * 7 / 16, 1)) }
    guard fill(to: phase) else { return }
    phase = 0
    for (index, block) in held.enumerated() {
      if index & 7 == 0 { cache.append(block) } else { cpu.free(pfn: block.pfn, order: block.order) }
    }
    held.removeAll(keepingCapacity: true)
    heldPages = 0
    done &+= 1
    while cache.pages > most / 2, let oldest = cache.popFirst() { cpu.free(pfn: oldest.pfn, order: oldest.order) }
  }

  @inlinable
  func growCache() {
    for _ in 0..<64 {
      let before = failed
      allocate()
      if let block = held.popLast() { cache.append(block) }
      guard cache.pages > most || failed > before, let oldest = cache.popFirst() else { continue }
      cpu.free(pfn: oldest.pfn, order: oldest.order)
    }
    heldPages = 0
  }

  @inlinable @inline(__always)
  func allocate() {
    let request = load.nextRequest(&generator)
    allocate(order: request.order, request.gfp)
  }

  @inlinable
  func allocate(order: Int, _ gfp: GFP) {
    guard order >= cpu.core.granuleOrder || load == .thp else { return }
    let pfn: UInt64?
    memory?.makeRoom()
    untilTimed &-= 1
    if untilTimed == 0 {
      untilTimed = timedOneOf
      let begin = CycleClock.begin()
      pfn = cpu.allocate(order: order, gfp)
      memory?.touch()
      allocations.record(ticks: CycleClock.end() &- begin)
    } else {
      pfn = cpu.allocate(order: order, gfp)
      memory?.touch()
    }
    done &+= 1
    guard let pfn else {
      failed &+= 1
      if gfp.contains(.atomic) { failedAtomic &+= 1 }
      return
    }
    held.append(Block(pfn: pfn, order: order))
    heldPages &+= 1 &<< order
    if notesTouches { touches.append(Block(pfn: pfn, order: order)) }
  }

  @inlinable
  func free() {
    guard !held.isEmpty else { return }
    held.swapAt(generator.below(held.count), held.count - 1)
    let block = held.removeLast()
    cpu.free(pfn: block.pfn, order: block.order)
    heldPages &-= 1 &<< block.order
    done &+= 1
  }

  @inlinable
  public func take(order: Int, count: Int) -> Int {
    for taken in 0..<count {
      guard let pfn = cpu.allocate(order: order, .userMovable) else { return taken }
      held.append(Block(pfn: pfn, order: order))
      heldPages &+= 1 &<< order
    }
    return count
  }

  @inlinable
  public func exit() {
    for block in held { cpu.free(pfn: block.pfn, order: block.order) }
    held.removeAll(keepingCapacity: true)
    heldPages = 0
    while let block = cache.popFirst() { cpu.free(pfn: block.pfn, order: block.order) }
  }

  @inlinable
  public func giveBack() {
    exit()
    cpu.drainPerCPULists()
  }

  public func tick() { cpu.decayPerCPULists() }

  @inlinable
  public func takeTouches(_ body: (Block) -> Void) {
    for block in touches { body(block) }
    touches.removeAll(keepingCapacity: true)
  }

  public var figures: MutatorFigures {
    var figures = MutatorFigures()
    figures.failed = failed
    figures.failedAtomic = failedAtomic
    figures.allocations = allocations
    if let summary = log?.summary() {
      figures.holds = summary.histograms[.mutator] ?? HoldHistograms()
      figures.waitTotal = summary.wait.total ?? 0
    }
    return figures
  }
}

/// Host memory that faults: each touch writes to a page that isn't populated yet. When all are populated, all are given
/// back to the host at once.
@usableFromInline
final class FaultingMemory: @unchecked Sendable {
  // Right to send: used by one mutator.
  private let base: UnsafeMutableRawPointer
  private let pages: Int
  private var next = 0

  @usableFromInline
  init(pages: Int) throws(GuestError) {
    guard let base = chost_reserve(pages * 4096, 4096) else { throw .cannotReserve(bytes: UInt64(pages) * 4096) }
    // Huge pages would avoid all but one of 512 faults.
    _ = chost_advise_huge(base, pages * 4096, false)
    self.base = base
    self.pages = pages
  }

  deinit { _ = chost_release(base, pages * 4096) }

  /// Makes sure the next touch faults. Call it before a timed touch.
  @usableFromInline
  func makeRoom() {
    guard next == pages else { return }
    _ = chost_discard(base, pages * 4096)
    next = 0
  }

  @usableFromInline
  func touch() {
    (base + next * 4096).storeBytes(of: 1, as: UInt8.self)
    next += 1
  }
}
