import GuestMemory
import Instruments
import Migration

/// The memory of a migrating guest, as its users write to it.
protocol UsedMemory {
  /// Writes all pages of a block that a user has just allocated.
  func take(_ block: Block)
  /// Writes all pages of a block again, by its owner.
  func rewrite(_ block: Block)
  /// Releases a block. Its content stays.
  func giveBack(_ block: Block)
}

extension GuestImage: UsedMemory {}

/// The users of a migrating guest: they act at a set rate, and write everything they allocate.
///
/// Once a second the guest's CPUs have their vmstat tick.
///
/// `faults` is page-fault churn: pages are taken and written until there are enough, then all are freed at once, as
/// when a process exits. `compile` also rewrites its pages and frees single blocks. The other loads take and free like
/// the mutators of that name.
final class MigrationLoad<Memory: UsedMemory> {
  private let load: MutatorLoad
  private let memory: Memory
  private var cpus: [AnyGuestCPU]
  /// The CPUs whose tick it has, and when the next one is due. Nanoseconds.
  private var ticking: [AnyGuestCPU]
  private var nextTick = second
  private var generator: SeededGenerator
  private let most: Int
  private let nanosecondsPerOperation: Double
  /// The users' blocks.
  private(set) var held: [Block] = []
  private var heldPages = 0
  private(set) var operations = 0
  private(set) var failed = 0

  /// - Parameters:
  ///   - cpus: the guest CPUs, one per user.
  ///   - ticking: the CPUs whose vmstat tick it has, each once: no other thread uses them.
  ///   - rate: operations per second of each user.
  ///   - most: the most pages all users hold together.
  init(
    _ guest: Guest, _ memory: Memory, _ load: MutatorLoad, cpus: [Int], ticking: [Int], rate: Double, most: Int,
    seed: UInt64
  ) {
    self.load = load
    self.memory = memory
    self.most = max(most, 64)
    nanosecondsPerOperation = 1e9 / (rate * Double(max(cpus.count, 1)))
    generator = SeededGenerator(seed: seed, stream: 300)
    self.cpus = cpus.map { AnyGuestCPU(guest, cpu: $0) }
    self.ticking = ticking.map { AnyGuestCPU(guest, cpu: $0) }
  }

  /// When the next operation is due, since the start. Nanoseconds.
  var due: Double { Double(operations) * nanosecondsPerOperation }

  /// Performs all operations and ticks due until `nanoseconds` after the start; a tick before what else is due then.
  func advance(to nanoseconds: Double) {
    let acts = load != .none && !cpus.isEmpty
    while true {
      let due = acts ? due : .infinity
      if nextTick <= min(due, nanoseconds) {
        for index in ticking.indices { ticking[index].decayPerCPULists() }
        nextTick += Self.second
      } else if due <= nanoseconds {
        act()
      } else {
        return
      }
    }
  }

  private static var second: Double { 1e9 }

  private func act() {
    operations += 1
    switch load {
    case .faults where heldPages >= most:
      while let block = held.popLast() { free(block) }
    case .compile where !held.isEmpty && generator.chance(0.3):
      memory.rewrite(held[generator.below(held.count)])
    case .faults: allocate()
    default:
      if heldPages < most / 4 || (heldPages < most && generator.chance(0.6)) {
        allocate()
      } else if !held.isEmpty {
        held.swapAt(generator.below(held.count), held.count - 1)
        free(held.removeLast())
      }
    }
  }

  private func allocate() {
    let request = load.nextRequest(&generator)
    // A guest with granules has no smaller blocks.
    let order = max(request.order, cpus[0].core.granuleOrder)
    guard let pfn = cpus[operations % cpus.count].allocate(order: order, request.gfp) else {
      failed += 1
      return
    }
    let block = Block(pfn: pfn, order: order)
    held.append(block)
    heldPages += 1 << order
    memory.take(block)
  }

  private func free(_ block: Block) {
    memory.giveBack(block)
    cpus[operations % cpus.count].free(pfn: block.pfn, order: block.order)
    heldPages -= 1 << block.order
  }
}
