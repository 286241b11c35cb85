import GuestMemory

/// A seeded sequence of operations on the allocator, executed by the model as the kernel's probe executes it.
///
/// What is drawn, and in which order, is the same in Sources/KernelProbe/trace.c.
enum KernelTrace {
  /// Where kernel and model part.
  struct Difference: Equatable, Sendable {
    /// The number of the operation, from 1; 0 is the state before the first.
    var operation: Int
    /// The operation, and what each side has, the kernel first.
    var words: String
  }

  /// Executes a trace on the model from the kernel's start, and compares each operation's block and each checkpoint.
  ///
  /// - Parameter kernel: whose rules the model follows.
  /// - Throws: ``GuestError`` if the model can't have the kernel's zones.
  static func difference(from trace: ProbeReport.Trace, _ kernel: KernelVersion) throws -> Difference? {
    try ModelledTrace(trace, kernel).difference
  }

  /// Executes a trace on the model whatever the kernel did. Returns the last step and the state after it; nil for a trace
  /// without steps.
  static func executed(
    _ trace: ProbeReport.Trace, _ kernel: KernelVersion
  ) throws -> (step: ProbeReport.Step, state: KernelState)? {
    try ModelledTrace(trace, kernel).executed
  }

  fileprivate static let blocks = 1 << 18
  fileprivate static let orders = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 4, 5, 7, 10]
  fileprivate static let kinds: [(name: String, gfp: GFP)] = [
    ("movable", [.movable, .highMem, .noMemAlloc]), ("movable", [.movable, .highMem, .noMemAlloc]),
    ("movable", [.movable, .highMem, .noMemAlloc]), ("unmovable", .noMemAlloc), ("unmovable", .noMemAlloc),
    ("reclaimable", [.reclaimable, .noMemAlloc]), ("high", [.high, .noMemAlloc]), ("atomic", [.high, .atomic]),
  ]
}

/// A trace on a model of its own, once.
private struct ModelledTrace {
  private let trace: ProbeReport.Trace
  private var held: [(pfn: UInt64, order: Int)] = []
  private var pages: UInt64 = 0
  private let most: UInt64
  private var random: SeededGenerator
  private var cpu: AnyGuestCPU
  // The core doesn't keep it alive.
  private let guest: Guest

  init(_ trace: ProbeReport.Trace, _ kernel: KernelVersion) throws {
    self.trace = trace
    most = trace.most
    random = SeededGenerator(seed: trace.seed)
    guest = try Guest(GuestGeometry(trace.start, kernel: kernel))
    guest.fill(trace.start)
    cpu = AnyGuestCPU(guest, cpu: 0)
  }

  var difference: KernelTrace.Difference? {
    if let words = trace.start.difference(to: guest.kernelState(like: trace.start)) {
      return .init(operation: 0, words: "the state before the first: \(words)")
    }
    var model = self
    var checkpoints = trace.checkpoints[...]
    for (number, step) in trace.steps.enumerated() {
      let (name, own) = model.step(number)
      if own != step { return .init(operation: number + 1, words: "\(name): \(step.words), \(own.words)") }
      guard let next = checkpoints.first, next.steps == number + 1 else { continue }
      checkpoints.removeFirst()
      if let words = next.state.difference(to: guest.kernelState(like: next.state)) {
        return .init(operation: number + 1, words: "the state after \(name): \(words)")
      }
    }
    return nil
  }

  var executed: (step: ProbeReport.Step, state: KernelState)? {
    var model = self
    let steps = trace.steps.indices.map { model.step($0).step }
    return steps.last.map { ($0, guest.kernelState(like: trace.start)) }
  }

  /// Executes the next operation. Returns its name and its block.
  private mutating func step(_ number: Int) -> (name: String, step: ProbeReport.Step) {
    let wanted = number / 4096 % 2 == 1 ? most / 4 : most
    let word = random.next()
    if word >> 24 & 0x3ff == 0 {
      cpu.drainPerCPULists()
      return ("drain", .drained)
    }
    if word >> 24 & 0x1ff == 1 { return report(word) }
    if word >> 24 & 0xff == 2 { return isolateOrBack(word) }
    if held.count < KernelTrace.blocks && (held.isEmpty || word & 0xff < (pages < wanted ? 176 : 80)) {
      let order = KernelTrace.orders[Int(word >> 8 & 15)]
      let kind = KernelTrace.kinds[Int(word >> 16 & 7)]
      let pfn = cpu.allocate(order: order, kind.gfp)
      if let pfn {
        cpu.core.keepOffLRU(pfn)
        held.append((pfn, order))
        pages += 1 << UInt64(order)
      }
      return ("alloc order \(order) \(kind.name)", .allocated(pfn))
    }
    let index = Int(word >> 34 % UInt64(held.count))
    let block = held[index]
    pages -= 1 << UInt64(block.order)
    cpu.free(pfn: block.pfn, order: block.order)
    held.swapAt(index, held.count - 1)
    held.removeLast()
    return ("free order \(block.order)", .freed(block.pfn))
  }

  /// Isolates a pageblock, as offlining and contiguous allocation begin, or gives it back.
  private mutating func isolateOrBack(_ word: UInt64) -> (name: String, step: ProbeReport.Step) {
    let zone = cpu.core.zone(0)
    let size: UInt64 = 1 << UInt64(cpu.core.pageblockOrder)
    // Those that are wholly in the zone.
    let first = (zone.startPFN + size - 1) / size
    let pfn = (first + (word >> 34) % (zone.endPFN / size - first)) * size
    if cpu.core.pageblockMigratetype(pfn) == .isolate {
      cpu.unisolate(pageblock: pfn, of: zone)
      return ("unisolate", .unisolated(pfn))
    }
    return ("isolate", .isolated(pfn, cpu.isolate(pageblock: pfn, of: zone)))
  }

  /// What reporting does with a batch of up to eight blocks.
  private mutating func report(_ word: UInt64) -> (name: String, step: ProbeReport.Step) {
    let order = cpu.core.highestOrder - Int(word >> 34 % 3)
    let type = Migratetype(rawValue: Int(word >> 40 % 3))
    let taken = cpu.takeAndPutBack(cpu.core.zone(0), order: order, type, most: 8)
    return ("report order \(order) \(type.name)", .reported(taken))
  }
}

extension ProbeReport.Step {
  /// As in "PFN 7".
  var words: String {
    switch self {
    case .allocated(let pfn): pfn.map { "PFN \($0)" } ?? "none"
    case .freed(let pfn): "PFN \(pfn) freed"
    case .drained: "drained"
    case .reported(let count): "\(count) blocks"
    case .isolated(let pfn, let succeeded): "pageblock \(pfn) \(succeeded ? "isolated" : "in use")"
    case .unisolated(let pfn): "pageblock \(pfn) given back"
    }
  }
}
