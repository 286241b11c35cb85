import GuestMemory

/// What a guest costs its host over a window of the virtual clock, and what the host costs the guest's users.
///
/// Users write what they allocate at once.
final class HostAccount {
  private let memory: PopulatedMemory
  private var time: UInt64 = 0
  private let window: UInt64
  private var usedPages: UInt64 = 0
  private var hostPageNanoseconds = 0.0
  private var usedPageNanoseconds = 0.0
  private var splitsBefore = 0
  private(set) var allocations = 0
  private(set) var touches = FirstTouches()
  /// How many allocations had which first touches, but for those with none.
  private var kinds: [FirstTouches: Int] = [:]
  /// When that share of what is free was with the host for the first time; nil if it never was. Nanoseconds.
  private(set) var reached: [UInt64?] = [nil, nil, nil]

  /// The shares that ``reached`` is about.
  static let shares = [0.5, 0.9, 0.99]

  /// Creates the account of a host that has populated all of the guest.
  ///
  /// - Parameter window: what lies beyond isn't counted. Nanoseconds.
  init(_ core: GuestCore, usesHugePages: Bool, window: UInt64) {
    memory = PopulatedMemory(core, usesHugePages: usesHugePages)
    self.window = window
  }

  /// The window begins.
  func start(_ core: GuestCore) {
    usedPages = used(core)
    splitsBefore = memory.splits
  }

  private func used(_ core: GuestCore) -> UInt64 { memory.pages - min(memory.pages, core.freePages + core.perCPUPages) }

  private func advance(to time: UInt64) {
    let time = min(time, window)
    guard time > self.time else { return }
    let elapsed = Double(time - self.time)
    hostPageNanoseconds += Double(memory.populatedPages) * elapsed
    usedPageNanoseconds += Double(usedPages) * elapsed
    self.time = time
  }

  /// The host discards a reported block.
  func discard(_ block: Block, at time: UInt64) {
    advance(to: time)
    memory.discard(block)
  }

  /// A user writes a block it has allocated.
  func touch(_ block: Block, at time: UInt64) {
    advance(to: time)
    let found = memory.touch(block)
    allocations += 1
    guard found.pages > 0 else { return }
    touches += found
    kinds[found, default: 0] += 1
  }

  /// Looks at what is free. Complexity: O(zones x CPUs).
  func look(_ core: GuestCore, at time: UInt64) {
    advance(to: time)
    usedPages = used(core)
    let free = memory.pages - usedPages
    let known = memory.pages - memory.populatedPages
    for (index, share) in Self.shares.enumerated()
    where reached[index] == nil && free > 0 && Double(known) >= share * Double(free) {
      reached[index] = time
    }
  }

  /// The window is over.
  func end() { advance(to: window) }

  /// The guest's populated memory over the window, and the part of it that somebody used. Byte-seconds.
  var hostByteSeconds: Double { hostPageNanoseconds * 4096 / 1e9 }
  var usedByteSeconds: Double { usedPageNanoseconds * 4096 / 1e9 }
  /// Mappings of 2 MiB that reports split in the window.
  var splits: Int { memory.splits - splitsBefore }

  /// The first touches of the allocation that 99 of 100 are no worse than, by the memory that the host populates; nil
  /// without allocations.
  var p99: FirstTouches? {
    guard allocations > 0 else { return nil }
    var worse = allocations / 100
    for (kind, count) in kinds.sorted(by: { ($0.key.pages, $0.key.split) > ($1.key.pages, $1.key.split) }) {
      if count > worse { return kind }
      worse -= count
    }
    return FirstTouches()
  }
}
