import CHost
import GuestMemory
import Instruments

/// One thread that allocates and frees while a strategy runs: its choices come from a seed, its latencies go into
/// memory it had from the start.
final class Mutator: @unchecked Sendable {
  // Right to send: its thread has it to itself between start and stop; the group reads it after.
  private let load: MutatorLoad
  private var cpu: GuestCPU<HoldProbe>
  private var generator: SeededGenerator
  private var held: [Block] = []
  private var heldPages = 0
  private let most: Int
  let log: HoldLog
  private(set) var operations = 0
  private(set) var failed = 0
  private(set) var allocations = DurationHistogram()

  /// `most`: pages it holds at once.
  init(_ guest: Guest, _ load: MutatorLoad, cpu: Int, mostPages: Int, seed: UInt64) throws {
    self.load = load
    log = try HoldLog(capacity: 1 << 24, phase: .mutator)
    self.cpu = GuestCPU(guest.core, cpu: cpu, node: guest.geometry.node(ofCPU: cpu), probe: log.probe())
    generator = SeededGenerator(seed: seed, stream: 100 + UInt64(cpu))
    most = max(mostPages, 64)
    held.reserveCapacity(min(most, 1 << 20) + 64)
  }

  /// Blocks it holds now.
  var blocks: [Block] { held }

  /// Up to 64 allocations or 64 frees: what a burst of faults or an exiting process makes.
  func burst() {
    let allocates = heldPages < most / 4 || (heldPages < most && generator.chance(0.5))
    for _ in 0..<(1 + generator.below(64)) {
      if allocates { allocate() } else { free() }
    }
  }

  private func allocate() {
    let (order, gfp): (Int, GFP) =
      switch load {
      case .none, .order0: (0, .userMovable)
      case .thp: (9, .userMovable)
      case .mixed:
        switch generator.below(100) {
        case 0..<70: (0, .userMovable)
        case 70..<80: (1, .kernel)
        case 80..<85: (2, .kernel)
        case 85..<98: (3, .atomicContext)
        default: (9, .userMovable)
        }
      }
    guard order >= cpu.core.granuleOrder || load == .thp else { return }
    let begin = CycleClock.begin()
    let pfn = cpu.allocate(order: order, gfp)
    let ticks = CycleClock.end() &- begin
    allocations.record(ticks: ticks)
    operations += 1
    guard let pfn else {
      failed += 1
      return
    }
    held.append(Block(pfn: pfn, order: order))
    heldPages += 1 << order
  }

  private func free() {
    guard !held.isEmpty else { return }
    held.swapAt(generator.below(held.count), held.count - 1)
    let block = held.removeLast()
    cpu.free(pfn: block.pfn, order: block.order)
    heldPages -= 1 << block.order
    operations += 1
  }

  /// Gives everything back, the per-CPU lists' pages too.
  func giveBack() {
    for block in held { cpu.free(pfn: block.pfn, order: block.order) }
    held.removeAll(keepingCapacity: true)
    heldPages = 0
    cpu.drainPerCPULists()
  }

  func resetFigures() {
    operations = 0
    failed = 0
    allocations = DurationHistogram()
    log.reset()
  }
}
