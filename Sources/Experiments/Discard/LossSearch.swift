import Delivery
import GuestMemory
import Hinting
import Records
import Synchronization

/// Searches for the shortest schedule in which a strategy, on a small guest, loses a page.
///
/// A schedule is where others' steps come between the strategy's doings: a user allocates and writes, reclaim calls the
/// shrinker, the host acts. All schedules with no step of others are tried, then with one, and so on to
/// ``StrategyGoal/stepsSearched``; the first that loses a page is one of the shortest. Each is run from the same state.
///
/// The guest is the smallest in which the strategy reports anything: some begin at 16 or 32 free blocks, or round the
/// guest's size down. Its blocks are of the highest order, its struct pages stand for a pageblock each.
final class LossSearch {
  private let world: DiscardWorld
  private let course: ScriptedCourse
  private let lowestOrder: Int
  private let use: HintUse
  private let stop = StopFlag()
  private var schedules = 0

  deinit { stop.deallocate() }

  /// What a search came to.
  struct Finding: Sendable, Equatable {
    /// The shortest schedule that loses a page; nil if none with so few steps does.
    var shortest: LosingSchedule?
    /// Schedules run.
    var schedules = 0
  }

  /// Searches for the shortest losing schedule of a strategy, once for each setting. A strategy that reports nothing has
  /// no schedules.
  ///
  /// - Parameter isUnderPressure: whether anybody reclaims.
  /// - Throws: ``GuestError`` if the host has no room for the guest.
  static func finding(
    _ strategy: ConfiguredStrategy, _ use: HintUse, isUnderPressure: Bool
  ) throws(GuestError) -> Finding {
    let key = "\(strategy.fullName) \(use) \(isUnderPressure)"
    if let found = known.withLock({ $0[key] }) { return found }
    let search = try inSmallestGuest(strategy, use, isUnderPressure: isUnderPressure)
    let found = search?.run() ?? Finding()
    known.withLock { $0[key] = found }
    return found
  }

  private static let known = Mutex<[String: Finding]>([:])

  /// The sizes tried, in blocks of the highest order.
  private static let sizes = [3, 4, 6, 8, 12, 18, 20, 34, 36, 40, 64, 520, 1032]

  /// - Throws: ``GuestError`` if the host has no room for the guest.
  init(
    _ strategy: ConfiguredStrategy, blocks: Int, _ use: HintUse, isUnderPressure: Bool
  ) throws(GuestError) {
    let guest = try Self.guest(blocks: blocks)
    let runner = strategy.runner()
    lowestOrder = strategy.order(wanted: guest.core.highestOrder, highest: guest.core.highestOrder)
    try runner.prepare(guest.core, lowestOrder: lowestOrder)
    course = ScriptedCourse()
    world = DiscardWorld(guest, runner, use, reclaims: isUnderPressure, course)
    self.use = use
  }

  /// In the smallest guest in which the strategy reports anything; nil if it doesn't in any.
  ///
  /// - Throws: ``GuestError`` if the host has no room for the guest.
  static func inSmallestGuest(
    _ strategy: ConfiguredStrategy, _ use: HintUse, isUnderPressure: Bool
  ) throws(GuestError) -> LossSearch? {
    for blocks in sizes {
      let search = try LossSearch(strategy, blocks: blocks, use, isUnderPressure: isUnderPressure)
      _ = search.losses([])
      if search.world.hints > 0 { return search }
    }
    return nil
  }

  /// A guest with so many free blocks of the highest order.
  static func guest(blocks: Int) throws(GuestError) -> Guest {
    // The last block is in use from the start.
    let inUse: UInt64 = 1 << 10
    let free = UInt64(blocks) << 10
    var geometry = GuestGeometry.standard(bytes: 32 << 20, cpus: 2, granuleOrder: 9)
    var zone = geometry.zones[0]
    zone.type = .normal
    zone.spannedPages = free + inUse
    zone.managedPages = free
    zone.reservedAtStart = 0
    zone.reservedAtEnd = inUse
    zone.watermarks = Watermarks(min: 1, low: 1, high: 1)
    geometry.zones = [zone]
    geometry.vmemmapPage = .small
    geometry.kernel = .standard
    let guest = try Guest(geometry)
    guest.fillFresh()
    return guest
  }

  /// Tries all schedules, the shortest first.
  func run() -> Finding {
    schedules = 0
    var scripts: [[ScriptedCourse.Departure]] = [[]]
    for count in 0...StrategyGoal.stepsSearched {
      var longer: [[ScriptedCourse.Departure]] = []
      for script in scripts {
        if let losses = losses(script), !losses.isEmpty {
          return Finding(shortest: told(script, count), schedules: schedules)
        }
        if count < StrategyGoal.stepsSearched && !course.isFutile { longer += course.choices.map { script + [$0] } }
      }
      scripts = longer
    }
    return Finding(shortest: nil, schedules: schedules)
  }

  /// The pages lost by a schedule; nil if it is one with fewer steps.
  private func losses(_ script: [ScriptedCourse.Departure]) -> [PageLoss]? {
    schedules += 1
    world.reset()
    course.begin(script)
    let losses = world.runSession(Session(lowestOrder: lowestOrder, stop: stop)).losses
    return course.isFutile ? nil : losses
  }

  /// Runs a losing schedule once more, and tells what happened.
  private func told(_ script: [ScriptedCourse.Departure], _ departures: Int) -> LosingSchedule {
    let tried = schedules
    world.events = []
    defer {
      world.events = nil
      schedules = tried
    }
    guard let loss = losses(script)?.first else { preconditionFailure("a schedule that is run again has another end") }
    let order = world.guest.core.highestOrder
    let pfn = UInt64(loss.unit) << UInt64(world.memory.unitOrder)
    let block = Block(pfn: pfn & ~((1 << UInt64(order)) - 1), order: order)
    return LosingSchedule(world.events ?? [], block, loss.kind, use, departures: departures)
  }
}
