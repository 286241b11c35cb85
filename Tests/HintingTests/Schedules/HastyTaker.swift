import Delivery
import Instruments
import Records

@testable import GuestMemory
@testable import Hinting

/// A strategy that takes one block and reports it, right with `fault=none`; otherwise it doesn't look again once it
/// has the lock, gives the block back before the host is done, or gives it back to the list it was on.
struct HastyTaker: StrategyPasses {
  typealias Hooks = NoHooks

  static let card = StrategyCard(
    name: "hasty-taker", origin: "test", summary: "takes a block wrongly", effect: .takesBatches,
    holdBound: "one block", sideEffects: "one block off the lists", limits: "none",
    options: [
      DeclaredOption(
        "fault", .choice(["none", "trusts-peek", "returns-early", "keeps-list"]), default: "none", "what is wrong",
        source: "test")
    ])

  private let fault: String

  init(_ options: OptionValues) { fault = options.choice("fault") }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    let core = cpu.core
    let order = core.highestOrder
    let fault = fault
    // Without the lock.
    let lists = [Migratetype.movable, .unmovable].map { core.zone(0).freeList(order: order, $0) }
    guard let page = lists.lazy.compactMap(\.first).first else { return .complete }
    let block = Block(pfn: core.pfn(page), order: order)
    let type = core.pageblockMigratetype(block.pfn)
    let isTaken = cpu.withZoneLocked(core.zone(0)) { hold in
      hold.items = 1
      if !hold.isListed(page, order: order) { return false }
      hold.takeOff(page)
      return true
    }
    if isTaken { sink.didTake(pages: block.pages, initialized: false) }
    func putBack() {
      _ = cpu.withZoneLocked(core.zone(0)) { hold in
        hold.putBack(page, order: order, fault == "keeps-list" ? type : core.pageblockMigratetype(block.pfn))
      }
      sink.didReturn(pages: block.pages)
    }
    if fault == "returns-early" && isTaken { putBack() }
    if isTaken || fault == "trusts-peek" { _ = sink.report(block) }
    if fault != "returns-early" && isTaken { putBack() }
    return .complete
  }
}
