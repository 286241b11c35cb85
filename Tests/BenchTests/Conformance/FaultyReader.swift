import Delivery
import Instruments
import Records

@testable import GuestMemory
@testable import Hinting

/// A strategy that only reads, right with `fault=none` and otherwise wrong in one way: shows that the suite notices.
struct FaultyReader: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "faulty-reader", origin: "test", summary: "reads the lists wrongly", effect: .readsOnly,
    holdBound: "one list", sideEffects: "as told", limits: "none",
    options: [
      DeclaredOption(
        "fault",
        .choice([
          "none", "allocated", "order", "repeats", "counter", "unlinks", "moves", "watermark", "varies", "long-hold",
          "passes", "forgets", "ignores-stop",
        ]), default: "none", "what is wrong", source: "test")
    ])

  private let fault: String
  private var memory: (arena: HintArena, buffer: HintBuffer)?
  private var sessions = 0

  init(_ options: OptionValues) { fault = options.choice("fault") }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    let bytes = 1 << 20
    let arena = try HintArena(bytes: bytes)
    memory = (arena, arena.buffer(bytes: bytes))
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let buffer = memory?.buffer else { return .noBuffer }
    let core = cpu.core
    let fault = fault
    sessions += 1
    if fault == "passes" && Probe.self == NoProbe.self { sink.command() }
    var isFirst = true
    for order in (session.lowestOrder...core.highestOrder).reversed() {
      var count = 0
      for zone in core.zones {
        for type in core.types {
          if session.stop.isSet && fault != "ignores-stop" { return .stopped }
          cpu.withZoneLocked(zone) { hold in
            for page in hold.freeList(order: order, type) {
              hold.items += 1
              buffer.store(core.address(page), at: count)
              count += 1
            }
            let list = hold.freeList(order: order, type)
            guard isFirst, let first = list.first, list.last != first else { return }
            isFirst = false
            switch fault {
            case "counter": zone.freeCounter(order: order).pointee += 1
            case "unlinks": FreeList.remove(first)
            case "moves": list.moveToTail(first)
            case "watermark": zone.pointer.pointee.watermark.0 += 1
            default: break
            }
          }
        }
      }
      let skips = fault == "forgets" || (fault == "varies" && sessions.isMultiple(of: 2))
      if skips && order == core.highestOrder { count -= 1 }
      sink.send(buffer, words: count, .address(order: order), descriptors: 1)
      guard order == core.highestOrder else { continue }
      switch fault {
      case "repeats": sink.send(buffer, words: 1, .address(order: order), descriptors: 1)
      case "order": sink.send(buffer, words: 1, .address(order: order - 1), descriptors: 1)
      case "allocated":
        // The first megabyte's pages never were the allocator's.
        buffer.store(0, at: 0)
        sink.send(buffer, words: 1, .address(order: order), descriptors: 1)
      default: break
      }
    }
    return .complete
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { fault == "long-hold" ? 1 : nil }
}
