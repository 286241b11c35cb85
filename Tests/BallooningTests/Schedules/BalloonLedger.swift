@testable import Ballooning
@testable import GuestMemory

/// Who has which page, by what the steps say; and the rules of which none may ever be broken.
struct BalloonLedger: Hashable {
  private enum Place: Hashable {
    case listed
    case isolated(by: Int)
    case dequeued(by: Int)
  }

  private var places: [UInt64: Place] = [:]

  /// With the pages that are in the balloon at the start.
  init(listed: [UInt64]) { for pfn in listed { places[pfn] = .listed } }

  /// Notes a step of `actor`'s; what is wrong with it.
  mutating func note(_ event: BalloonEvent, by actor: Int, _ bench: BalloonBench) -> String? {
    switch event {
    case .enqueued(let pfn):
      if let place = places[pfn] { return "pfn \(pfn) comes in, and is \(place)" }
      places[pfn] = .listed
    case .isolated(let pfn):
      guard places[pfn] == .listed else { return twoOwn(pfn, actor) }
      places[pfn] = .isolated(by: actor)
    case .dequeued(let pfn):
      guard places[pfn] == .listed else { return twoOwn(pfn, actor) }
      places[pfn] = .dequeued(by: actor)
    case .putBack(let pfn):
      guard places[pfn] == .isolated(by: actor) else { return "pfn \(pfn) is put back by who hasn't isolated it" }
      places[pfn] = .listed
    case .replaced(let old, let new):
      guard places[old] == .isolated(by: actor) else { return "pfn \(old) is moved by who hasn't isolated it" }
      places[old] = nil
      places[new] = .listed
      if bench.listed.contains(old) { return "pfn \(old) was moved and is on the list" }
    case .told(.deflate, let pfn):
      // What a deflating thread returns is no longer counted by then.
      if bench.host.pages.count < bench.balloon.count {
        return "the host hears that pfn \(pfn) is gone before it hears of another: it has \(bench.host.pages.count) of "
          + "\(bench.balloon.count) pages"
      }
      if places[pfn] == .dequeued(by: actor) { places[pfn] = nil }
    default: break
    }
    return nil
  }

  private func twoOwn(_ pfn: UInt64, _ actor: Int) -> String {
    "two own pfn \(pfn): \(actor) takes it, and it is \(places[pfn].map { "\($0)" } ?? "out of the balloon")"
  }

  /// What must hold between any two steps.
  func faults(_ bench: BalloonBench) -> String? {
    let listed = Set(places.filter { $0.value == .listed }.keys)
    let isolated = places.filter { if case .isolated = $0.value { true } else { false } }.map(\.key)
    let handle = bench.balloon.handle
    let found = bench.listed
    if Set(found) != listed || found.count != listed.count || handle.pages.count != listed.count {
      return "on the list are \(found), counted \(handle.pages.count); there should be \(listed.sorted())"
    }
    if handle.pages.isolated != isolated.count {
      return "\(handle.pages.isolated) pages are counted as isolated, \(isolated.count) are"
    }
    // |pages| + isolated == num_pages, but for what somebody with the mutex is about to count.
    if !handle.isMutexTaken && bench.balloon.count != listed.count + isolated.count {
      return "\(bench.balloon.count) pages are counted, \(listed.count) listed and \(isolated.count) isolated"
    }
    for pfn in listed where bench.guest.core.page(pfn).references < 1 { return "pfn \(pfn) is listed and free" }
    for pfn in isolated where bench.guest.core.page(pfn).references < 2 {
      return "pfn \(pfn) is isolated with \(bench.guest.core.page(pfn).references) references"
    }
    return bench.host.faults.first
  }

  /// What must hold when nobody is at work any more.
  func faultsAtTheEnd(_ bench: BalloonBench) -> String? {
    if let text = faults(bench) { return text }
    if bench.balloon.handle.pages.isolated != 0 { return "pages are left isolated" }
    if bench.host.pages != Set(bench.listed) {
      return "the host has \(bench.host.pages.sorted()), listed are \(bench.listed)"
    }
    for pfn in bench.listed {
      let page = bench.guest.core.page(pfn)
      if page.isLocked || page.isIsolated || page.references != 1 || !page.isOwnedMovable {
        return "pfn \(pfn) is left locked, isolated, or with \(page.references) references"
      }
    }
    return nil
  }
}
