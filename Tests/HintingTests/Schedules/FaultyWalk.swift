import Delivery
import Instruments
import Records

@testable import GuestMemory
@testable import Hinting

/// A walk that looks at one entry a hold, right with `fault=none` and otherwise wrong in one way that only others'
/// doings between its holds bring to light.
struct FaultyWalk: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "faulty-walk", origin: "test", summary: "walks wrongly", effect: .readsOnly,
    holdBound: "one entry", sideEffects: "none", limits: "none",
    options: [
      DeclaredOption(
        "fault", .choice(["none", "trusts-node", "trusts-order", "late"]), default: "none", "what is wrong",
        source: "test")
    ])

  private let fault: String

  init(_ options: OptionValues) { fault = options.choice("fault") }

  private enum Step {
    case more(Page, then: Page?)
    case done, lost, offTheLists
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    let core = cpu.core
    for order in (session.lowestOrder...core.highestOrder).reversed() {
      for type in Migratetype.allCases {
        var saved: Page?
        var restarts = 0
        walk: while restarts < 3 {
          sink.reclaim()
          let step = look(&cpu, &sink, saved, order, type)
          switch step {
          case .more(let page, let next):
            // The lock is long given back.
            if fault == "late" { _ = sink.hint(Block(pfn: core.pfn(page), order: order)) }
            saved = next
            if next == nil { break walk }
          case .done: break walk
          case .lost:
            restarts += 1
            saved = nil
          case .offTheLists: return .error("a link that leads nowhere")
          }
        }
      }
    }
    return .complete
  }

  private func look<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ saved: Page?, _ order: Int, _ type: Migratetype
  ) -> Step {
    let fault = fault
    return cpu.withZoneLocked(cpu.core.zone(0)) { hold in
      let list = hold.freeList(order: order, type)
      guard let page = saved ?? list.first else { return .done }
      hold.items += 1
      switch fault {
      case "trusts-node": break
      case "trusts-order": if !page.isBuddy { return .lost }
      default: if !hold.isListed(page, order: order) { return .lost }
      }
      if fault != "late" { _ = sink.hint(Block(pfn: hold.core.pfn(page), order: order)) }
      // What a kernel would follow, and oops.
      guard let next = page.link.pointee.next, leadsSomewhere(next, hold.core) else { return .offTheLists }
      switch hold.follower(of: page, on: list) {
      case .page(let follower): return .more(page, then: follower)
      case .end: return .more(page, then: nil)
      case .endOfAnotherList: return .lost
      }
    }
  }

  /// To a page or to one of the zone's list heads: a per-CPU list's head and poison are neither.
  private func leadsSomewhere<T>(_ link: UnsafeMutablePointer<T>, _ core: GuestCore) -> Bool {
    func lies<U>(in base: UnsafeMutablePointer<U>, _ count: Int) -> Bool {
      UInt(bitPattern: link) &- UInt(bitPattern: base) < UInt(count * MemoryLayout<U>.stride)
    }
    let pages = Int(core.zone(0).endPFN >> UInt64(core.granuleOrder))
    return lies(in: core.vmemmap, pages) || lies(in: core.zoneTable, core.zoneCount)
  }
}
