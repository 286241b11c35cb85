import GuestMemory
import Instruments
import Migration

/// The guest's users while it migrates, by the virtual clock: they act at a set rate, and write all that they get.
///
/// `faults` is page-fault churn: pages are taken and written until there are enough, and all given back at once, as a
/// process does that ends. `compile` also writes again what it has, and gives single blocks back. The other loads take
/// and give back like the mutators of that name.
final class MigrationLoad {
  private let load: MutatorLoad
  private let image: GuestImage
  private var cpus: [GuestCPU<NoProbe, NoHooks>]
  private var generator: SeededGenerator
  private let most: Int
  private let nanosecondsPerOperation: Double
  private var held: [Block] = []
  private var heldPages = 0
  private(set) var operations = 0
  private(set) var failed = 0

  /// - Parameters:
  ///   - threads: how many, each on a CPU of the guest's behind the first.
  ///   - rate: operations a second of each.
  ///   - most: pages that all of them have at once.
  init(
    _ guest: Guest, _ image: GuestImage, _ load: MutatorLoad, threads: Int, rate: Double, most: Int, seed: UInt64
  ) {
    self.load = load
    self.image = image
    self.most = max(most, 64)
    nanosecondsPerOperation = 1e9 / (rate * Double(max(threads, 1)))
    generator = SeededGenerator(seed: seed, stream: 300)
    cpus = (0..<threads).map { thread in
      let cpu = (1 + thread) % guest.geometry.cpuCount
      return GuestCPU(guest.core, cpu: cpu, node: guest.geometry.node(ofCPU: cpu), probe: NoProbe())
    }
  }

  /// Everything that happens until so long after the start.
  func advance(to nanoseconds: Double) {
    guard load != .none, !cpus.isEmpty else { return }
    while Double(operations) * nanosecondsPerOperation <= nanoseconds { act() }
  }

  private func act() {
    operations += 1
    switch load {
    case .faults where heldPages >= most:
      while let block = held.popLast() { free(block) }
    case .compile where !held.isEmpty && generator.chance(0.3):
      image.rewrite(held[generator.below(held.count)])
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
    // Of a guest in granules there are no smaller blocks.
    let order = max(request.order, cpus[0].core.granuleOrder)
    guard let pfn = cpus[operations % cpus.count].allocate(order: order, request.gfp) else {
      failed += 1
      return
    }
    let block = Block(pfn: pfn, order: order)
    held.append(block)
    heldPages += 1 << order
    image.take(block)
  }

  private func free(_ block: Block) {
    image.giveBack(block)
    cpus[operations % cpus.count].free(pfn: block.pfn, order: block.order)
    heldPages -= 1 << block.order
  }
}
