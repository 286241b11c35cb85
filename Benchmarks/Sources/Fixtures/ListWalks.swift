import CBaseline
import CHost
import Delivery
import GuestMemory
import Hinting
import Instruments

/// The strategies that copy whole lists under one hold a zone, as `hintbench run` runs them.
public enum WholeListStrategy: String, CaseIterable, Sendable {
  case fixedBuffer = "free-list-fixed-buffer"
  case recordUnusedPages = "record-unused-pages"

  /// Words of the buffer. Of record-unused-pages the most it takes, so that it is never full.
  fileprivate var words: Int { self == .fixedBuffer ? (16 * 4096 - 8) / 8 : (4 << 20) / 8 }
  fileprivate var wordsPerBlock: Int { self == .fixedBuffer ? 1 : 2 }
  fileprivate var options: [String: String] { self == .fixedBuffer ? [:] : ["buffer": "\(words * 8)"] }
}

/// Walks over the free blocks of the highest order, zone by zone and migratetype by migratetype, something stored for each
/// block: in C, by ``FreeList``, and by the whole-list strategies. All walk the same lists in the same order, and none is
/// inlined, so that the benchmarks and the parity check run the same code.
public final class ListWalks {
  public let guest: Guest
  /// Blocks on the lists.
  public let blocks: Int

  private let core: GuestCore
  private let order: Int
  private let vmemmap: UInt64
  private let shift: UInt32
  private let heads: UnsafeMutableBufferPointer<UnsafePointer<ListHead>>
  private let zones: UnsafeMutableBufferPointer<UnsafeMutablePointer<StructZone>>
  // Swift's buffer, and C's: equally long and both touched.
  private let arena: HintArena
  private let buffer: HintBuffer
  private let words: UnsafeMutablePointer<UInt64>
  private let bytes: Int
  private let stop = StopFlag()
  private var runners: [WholeListStrategy: StrategyRunner] = [:]

  public init(_ guest: Guest) {
    self.guest = guest
    core = guest.core
    order = core.highestOrder
    blocks = guest.freeBlocks(fromOrder: order).count
    vmemmap = UInt64(UInt(bitPattern: core.vmemmapAddress))
    shift = UInt32(6 + core.granuleOrder)
    let lists = core.zones.flatMap { zone in
      Migratetype.allCases.map {
        UnsafePointer(zone.freeList(order: guest.core.highestOrder, $0).address)
      }
    }
    heads = .allocate(capacity: lists.count)
    _ = heads.initialize(from: lists)
    let structures = core.zones.map { zone in
      (UnsafeMutableRawPointer(zone.freeList(order: 0, .unmovable).address) - Int(HB_ZONE_FREE_AREA))
        .assumingMemoryBound(to: StructZone.self)
    }
    zones = .allocate(capacity: structures.count)
    _ = zones.initialize(from: structures)
    bytes = (blocks + 1) * 16
    guard let arena = try? HintArena(bytes: bytes), let raw = chost_reserve(bytes, 4096) else {
      fatalError("no room for \(bytes) bytes of hints")
    }
    self.arena = arena
    buffer = arena.buffer(bytes: bytes)
    words = raw.bindMemory(to: UInt64.self, capacity: bytes / 8)
    words.initialize(repeating: 0, count: bytes / 8)
  }

  deinit {
    heads.deallocate()
    zones.deallocate()
    stop.deallocate()
    _ = chost_release(words, bytes)
  }

  /// chost_walk_list(), list by list.
  @inline(never)
  public func inC() -> Int {
    var n = 0
    for head in heads { n &+= chost_walk_list(head, vmemmap, shift, words + n) }
    return n
  }

  /// ``FreeList`` as a sequence, and nothing else: `Guest.plainWalk` without the array of lists that it makes first, which
  /// is outside its time and would be inside this one's.
  @inline(never)
  public func iterated() -> Int {
    let core = core
    let order = order
    let buffer = buffer
    var n = 0
    for zone in 0..<core.zoneCount {
      for type in 0..<Migratetype.count {
        for page in core.zone(zone).freeList(order: order, Migratetype(rawValue: type)) {
          buffer.store(core.address(page), at: n)
          n &+= 1
        }
      }
    }
    return n
  }

  /// Whether C and Swift stored the same words; run ``inC()`` and ``iterated()`` first.
  public func agree() -> Bool { (0..<blocks).allSatisfy { words[$0] == buffer[$0] } }

  // MARK: whole-list strategies

  /// Blocks that a session of `strategy` reaches.
  public func blocks(_ strategy: WholeListStrategy) -> Int { min(blocks, strategy.words / strategy.wordsPerBlock) }

  /// What a session of `strategy` does with the lists, in C: the zones' locks, the look for the buffer's end before each
  /// block, the words stored. Not what it does once a session: its clock, its kick and the host's end of the queue.
  ///
  /// - Returns: the words stored.
  @inline(never)
  public func inC(_ strategy: WholeListStrategy) -> Int {
    // As long as the strategy's own, and never longer than what is there.
    let limit = min(strategy.words, bytes / 8)
    var n = 0
    for zone in zones {
      n =
        switch strategy {
        case .fixedBuffer: baseline_copy_zone(zone, UInt32(order), vmemmap, shift, limit, words, n)
        case .recordUnusedPages: baseline_copy_zone_sized(zone, UInt32(order), vmemmap, shift, limit, words, n)
        }
    }
    return n
  }

  /// A session of `strategy` without a probe, by its entry: what `hintbench run` times.
  public func session(_ strategy: WholeListStrategy, bracket: StrategyRunner.Bracket? = nil) -> SpeedPass {
    let pass = runner(strategy).speedPass(.init(guest), Session(lowestOrder: order, stop: stop), bracket: bracket)
    precondition(pass.outcome == .complete || pass.outcome == .limit, "\(strategy.rawValue): \(pass.outcome)")
    precondition(pass.restarts == 0, "\(strategy.rawValue) walked twice")
    return pass
  }

  /// Whether a session of `strategy` hints as many blocks as C stores, and both as many as ``blocks(_:)`` says.
  public func agree(_ strategy: WholeListStrategy) -> Bool {
    do {
      let hints = try HintLog(capacity: blocks + 1)
      let holds = try HoldLog(capacity: 1024)
      let pass = runner(strategy).probedPass(
        .init(guest), holds.probe(), Session(lowestOrder: order, stop: stop), hints)
      return pass.restarts == 0 && hints.hints.count == blocks(strategy)
        && inC(strategy) == blocks(strategy) * strategy.wordsPerBlock
    } catch { fatalError("\(strategy.rawValue): \(error)") }
  }

  private func runner(_ strategy: WholeListStrategy) -> StrategyRunner {
    if let runner = runners[strategy] { return runner }
    do {
      let runner = try Strategies.entry(named: strategy.rawValue).configured(strategy.options).runner()
      try runner.prepare(core, lowestOrder: order)
      runners[strategy] = runner
      return runner
    } catch { fatalError("\(strategy.rawValue): \(error)") }
  }
}
