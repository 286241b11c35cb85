import Delivery
import GuestMemory
import Instruments
import Records

/// v8 (Wei Wang, March 2017): copies each zone's whole list of one order under one hold, orders downward, into one
/// buffer that is sent when full.
///
/// The published flaws are kept:
/// - Before a list is copied its number of *blocks* is compared with the buffer's *words*, though a block takes two, so
///   that a list of n blocks passes at n to 2n-1 words and runs out half way.
/// - What was copied by then is sent, and the zone is walked again from its head: every block of that chunk is reported
///   twice. With `check=published` that would repeat for ever if even the empty buffer is too small; the model counts
///   the fruitless round once (a restart and its duplicates) and then lets the buffer grow, as it does if nothing was
///   copied.
/// - If the buffer can't grow, the rest of the order is dropped silently (`grow=no` shows it).
///
/// The buffer is the driver's own memory, outside the modelled zones; the mails don't say its initial size.
struct RecordUnusedPages: StrategyPasses {
  typealias Hooks = NoHooks

  static var allocatorUse: AllocatorUse { .readsLists }

  static let card = StrategyCard(
    name: "record-unused-pages", origin: "v8, March 2017", summary: "each list copied whole under the lock",
    effect: .readsOnly, nativeOrder: 0,
    holdBound: "one zone and order: the whole list, as far as the buffer reaches", sideEffects: "none",
    limits: "buffer grows to 4 MiB (262144 blocks per chunk); beyond that the tail of the order is dropped",
    options: [
      DeclaredOption(
        "buffer", .integer(4096...4_194_304), default: "65536", "bytes of the buffer at the start",
        source: "not in the mails"),
      DeclaredOption(
        "check", .choice(["published", "words"]), default: "published",
        "published: compares blocks with words, as posted; words: compares words with words", source: "v8 3/4"),
      DeclaredOption(
        "grow", .choice(["yes", "no"]), default: "yes", "whether GFP_KERNEL gives a larger buffer", source: "v8 4/4"),
    ])

  /// The largest buffer that kmalloc gives: one block of the highest order. Bytes.
  static let largestBuffer = 4 << 20

  private let startWords: Int
  private let comparesWords: Bool
  private let grows: Bool
  private var memory: (arena: HintArena, buffer: HintBuffer)?

  init(_ options: OptionValues) {
    startWords = options.integer("buffer") / 8
    comparesWords = options.choice("check") == "words"
    grows = options.choice("grow") == "yes"
  }

  var bufferBytes: Int? { startWords * 8 }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    if memory != nil { return }
    let arena = try HintArena(bytes: Self.largestBuffer)
    memory = (arena, arena.buffer(bytes: Self.largestBuffer))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let buffer = memory?.buffer else { return .noBuffer }
    let core = cpu.core
    let zones = session.zones(core)
    var size = startWords
    var position = 0
    var partial = false
    var dropped = false

    var order = core.highestOrder
    while order >= session.lowestOrder {
      var zone = zones.lowerBound
      var lastChunk: (zone: Int, words: Int)?
      while zone < zones.upperBound {
        if session.stop.isSet { return .stopped }
        let full = record(&cpu, zone, order, buffer, size, &position, partial)
        if !full {
          zone += 1
          lastChunk = nil
          continue
        }
        // ENOSPC.
        let fruitless = lastChunk.map { $0.zone == zone && $0.words == position } ?? false
        if position == 0 || fruitless {
          position = 0
          if grows && size * 2 <= Self.largestBuffer / 8 {
            size *= 2
          } else if partial || fruitless {
            // No room: the rest of this order is lost.
            dropped = true
            break
          } else {
            partial = true
          }
          lastChunk = nil
          continue
        }
        sink.send(buffer, words: position, .baseAndSize, descriptors: 2)
        lastChunk = (zone, position)
        position = 0
        if partial {
          dropped = true
          break
        }
        session.restarts += 1
      }
      order -= 1
    }
    // DONE, with what is left.
    sink.send(buffer, words: position, .baseAndSize, descriptors: 2)
    return dropped ? .limit : .complete
  }

  /// __record_unused_pages(): returns true for ENOSPC.
  @inline(__always)
  private func record<Probe: LockProbe, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ zone: Int, _ order: Int, _ buffer: HintBuffer, _ size: Int,
    _ position: inout Int,
    _ partial: Bool
  ) -> Bool {
    let comparesWords = comparesWords
    var offset = position
    defer { position = offset }
    return cpu.withZoneLocked(cpu.core.zone(zone)) { hold in
      let blocks = Int(truncatingIfNeeded: hold.zone.blocksFree(order: order))
      if !partial && offset &+ blocks &* (comparesWords ? 2 : 1) > size { return true }
      let core = hold.core
      let length: UInt64 = (1 &<< UInt64(order)) &<< 12
      for type in 0..<core.migratetypes {
        for page in hold.freeList(order: order, Migratetype(index: type)) {
          if offset &+ 2 > size { return true }
          hold.items &+= 1
          buffer.store(core.address(page), at: offset)
          buffer.store(length, at: offset &+ 1)
          offset &+= 2
        }
      }
      return false
    }
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { Self.largestBuffer / 16 }
}
