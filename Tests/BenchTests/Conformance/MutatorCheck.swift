import Delivery
import Instruments

@testable import Bench
@testable import GuestMemory
@testable import Hinting

/// Runs one strategy's sessions again and again while mutators run, and judges the guest each time they are parked.
struct MutatorCheck {
  let configured: ConfiguredStrategy
  let guest: Guest
  let lowestOrder: Int
  let load: MutatorLoad
  let mutators: Int
  let sessions: Int
  let seed: UInt64

  func violations() throws -> [Violation] {
    var violations: [Violation] = []
    func fail(_ rule: Violation.Rule, _ detail: String) { violations.append(Violation(rule: rule, detail: detail)) }
    let core = guest.core
    guest.restore()
    let stop = StopFlag()
    defer { stop.deallocate() }
    let holdLog = try HoldLog(capacity: 1 << 22)
    let hintLog = try HintLog(capacity: 1 << 24)
    let runner = configured.runner()
    try runner.prepare(core, lowestOrder: lowestOrder)
    let session = Session(lowestOrder: lowestOrder, stop: stop)
    runner.reset(core)
    let group = try MutatorGroup(
      guest, runner, load, count: mutators, hostCPUs: [], seed: seed, isProbed: true)
    defer { group.end() }

    for _ in 0..<sessions {
      hintLog.reset()
      holdLog.reset()
      group.run()
      let pass = runner.probedPass(.init(guest), holdLog.probe(), session, hintLog) {
        group.park()
        judgeEnd(hintLog.hints, group.held, fail)
      }
      if pass.pagesReturned > pass.pagesWithheldMax && configured.card.effect == .readsOnly {
        fail(.withheldWrong, "a strategy that reads returned \(pass.pagesReturned) pages")
      }
      if let limit = runner.itemsPerHoldLimit(core), let most = holdLog.summary().itemsPerHoldMax, most > limit {
        fail(.holdTooLong, "\(most) entries in one hold, the strategy allows \(limit)")
      }
      if let fault = guest.validate(held: group.held).first { fail(.brokenAfterwards, "\(fault)") }
      // A session without a probe, while they run again.
      group.run()
      _ = runner.speedPass(.init(guest), session)
      group.park()
      if let fault = guest.validate(held: group.held).first { fail(.brokenAfterwards, "\(fault)") }
      if !violations.isEmpty { break }
    }

    group.giveBack()
    var drain = GuestCPU(core, cpu: 0, node: guest.geometry.node(ofCPU: 0), probe: NoProbe())
    drain.drainPerCPULists()
    if let fault = guest.validate().first { fail(.brokenAfterwards, "in the end: \(fault)") }
    let missing = guest.missingPages()
    if missing.pages > 0 { fail(.brokenAfterwards, "\(missing.pages) pages were never given back") }
    for zone in core.zones where zone.pointer.pointee.bad_pages > 0 {
      fail(.brokenAfterwards, "\(zone.pointer.pointee.bad_pages) bad pages in zone \(zone.index)")
    }
    guest.restore()
    return violations
  }

  /// The strategy still holds what it holds, and so do the mutators, parked.
  private func judgeEnd(
    _ hints: [HintLog.Hint], _ others: [Block], _ fail: (Violation.Rule, String) -> Void
  ) {
    let own = guest.missingPages(others: others)
    if configured.card.effect == .takesBatches {
      // All is back by now, so that a block may have been taken by a mutator, freed and reported again.
      if own.pages > 0 { fail(.withheldWrong, "\(own.pages) pages are still held at the session's end") }
    } else {
      let reported = hints.filter(\.isHeld).map(\.block)
      if PageRuns(reported).pages != reported.reduce(0, { $0 + $1.pages }) {
        fail(.reportedTwice, "reported blocks overlap")
      }
      if let block = reported.first(where: { !own.contains($0) }) {
        fail(.notHeld, "\(block) was reported as held and is free or a mutator's")
      }
    }
    let faults = guest.validate(held: others + own.blocks(of: guest))
    if let fault = faults.first { fail(.brokenWhileHeld, "\(fault)") }
    let account = SessionAccount(guest, lowestOrder: lowestOrder, hints: hints)
    let counted = PageByPageAccount(guest, lowestOrder: lowestOrder, hints: hints)
    if let difference = counted.difference(from: account) { fail(.accountDiffers, difference) }
    for hint in hints
    where !guest.core.zones.contains(where: { $0.startPFN <= hint.block.pfn && hint.block.end <= $0.endPFN }) {
      fail(.notFree, "\(hint.block) lies in no zone")
    }
  }
}
