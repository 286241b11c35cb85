import CBaseline
import CHost
import Delivery
import GuestMemory
import Instruments

/// The walk of the whole-list designs, in C and in Swift: every free list of the highest order, zone by zone and migratetype
/// by migratetype, something stored for each block. All of them walk the same lists in the same order, and none is
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
  private var cpu: GuestCPU<NoProbe, NoHooks>
  // Swift's buffer, and C's: equally long and both touched.
  private let arena: HintArena
  private let buffer: HintBuffer
  private let words: UnsafeMutablePointer<UInt64>
  private let bytes: Int

  public init(_ guest: Guest) {
    self.guest = guest
    core = guest.core
    cpu = GuestFixture.cpu(guest)
    order = core.highestOrder
    blocks = guest.freeBlocks(fromOrder: order).count
    vmemmap = UInt64(UInt(bitPattern: core.vmemmapAddress))
    shift = UInt32(6 + core.granuleOrder)
    let lists = core.zones.flatMap { zone in
      Migratetype.allCases.map { UnsafePointer(zone.freeList(order: guest.core.highestOrder, $0).address) }
    }
    heads = .allocate(capacity: lists.count)
    _ = heads.initialize(from: lists)
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
    _ = chost_release(words, bytes)
  }

  /// chost_walk_list(), list by list.
  @inline(never)
  public func inC() -> Int {
    var n = 0
    for head in heads { n &+= chost_walk_list(head, vmemmap, shift, words + n) }
    return n
  }

  /// The same with two words a block, v8's format.
  @inline(never)
  public func inCSized() -> Int {
    var n = 0
    let length: UInt64 = (1 &<< UInt64(order)) &<< 12
    for head in heads { n &+= baseline_walk_list_sized(head, vmemmap, shift, length, words + n) }
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

  /// One hold a zone, entries counted and the buffer's end looked for: free-list-fixed-buffer's loop.
  @inline(never)
  public func locked() -> Int {
    let order = order
    let buffer = buffer
    let limit = blocks
    var n = 0
    for zone in 0..<core.zoneCount {
      let full = cpu.withZoneLocked(core.zone(zone)) { hold in
        let core = hold.core
        for type in 0..<Migratetype.count {
          for page in hold.freeList(order: order, Migratetype(rawValue: type)) {
            if n == limit { return true }
            hold.items &+= 1
            buffer.store(core.address(page), at: n)
            n &+= 1
          }
        }
        return false
      }
      if full { break }
    }
    return n
  }

  /// The same with two words a block: record-unused-pages' loop.
  @inline(never)
  public func lockedSized() -> Int {
    let order = order
    let buffer = buffer
    let size = blocks * 2
    var offset = 0
    for zone in 0..<core.zoneCount {
      let full = cpu.withZoneLocked(core.zone(zone)) { hold in
        let core = hold.core
        let length: UInt64 = (1 &<< UInt64(order)) &<< 12
        for type in 0..<Migratetype.count {
          for page in hold.freeList(order: order, Migratetype(rawValue: type)) {
            if offset &+ 2 > size { return true }
            hold.items &+= 1
            buffer.store(core.address(page), at: offset)
            buffer.store(length, at: offset &+ 1)
            offset &+= 2
          }
        }
        return false
      }
      if full { break }
    }
    return offset
  }

  /// Whether C and Swift stored the same words; run ``inC()`` and ``locked()`` first.
  public func agree() -> Bool { (0..<blocks).allSatisfy { words[$0] == buffer[$0] } }
}
