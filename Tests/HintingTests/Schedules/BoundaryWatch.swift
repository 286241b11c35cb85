@testable import GuestMemory
@testable import Hinting

/// v5's counters, and the layout of each list while its zone is worked on: unreported blocks, then the boundary, then
/// reported ones. Facts, section 7a.
final class BoundaryWatch: ScheduleWatch {
  private let guest: Guest
  private let hooks: PageReportingBoundary.Hooks
  /// Boundaries seen that weren't at their list's end, over all runs.
  private(set) var sightings = 0

  init(_ bench: Bench<PageReportingBoundary>) {
    guest = bench.guest
    hooks = bench.hooks
  }

  func faults() -> [String] {
    typealias Hooks = PageReportingBoundary.Hooks
    var faults: [String] = []
    var asking: UInt64 = 0
    for zone in guest.core.zones {
      if hooks.has(Hooks.requested, zone) { asking += 1 }
      for order in hooks.lowest...guest.core.highestOrder {
        var reported: UInt64 = 0
        for type in Migratetype.allCases {
          let list = Array(zone.freeList(order: order, type))
          reported += UInt64(list.count { $0.isReported })
          guard hooks.has(Hooks.active, zone) else { continue }
          let boundary = hooks.words[hooks.boundary(order, type)]
          if boundary == zone.freeList(order: order, type).end.rawValue { continue }
          sightings += 1
          guard let index = list.firstIndex(where: { $0.position.rawValue == boundary }) else {
            faults.append("the boundary of order \(order) \(type.name) is on another list, or none")
            continue
          }
          if !list[index...].allSatisfy(\.isReported) {
            faults.append("an unreported block of order \(order) \(type.name) stands behind the boundary")
          }
        }
        let counted = hooks.words[hooks.reported(zone, order)]
        if counted != reported { faults.append("order \(order): \(counted) reported counted, \(reported) flagged") }
      }
    }
    let counted = hooks.words[Hooks.zonesRequested]
    if counted != asking { faults.append("\(counted) requests counted, \(asking) zones ask") }
    return faults
  }
}
