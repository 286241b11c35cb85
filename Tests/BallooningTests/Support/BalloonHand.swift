import Instruments

@testable import Ballooning
@testable import GuestMemory

/// A balloon's driver behind a reference, so that what it answers can be asked for within an expectation, whatever its
/// rules.
protocol BalloonHand: AnyObject {
  func inflate(_ wanted: Int) -> Int
  func deflate(_ wanted: Int) -> Int
  func isolate(_ pfn: UInt64) -> Bool
  func putBack(_ pfn: UInt64)
  func migrate(_ old: UInt64, to new: UInt64) -> Bool
  /// A single movable page of somebody's.
  func allocate() -> UInt64?
  func put(_ pfn: UInt64)
}

final class DriversHand<Probe: LockProbe, Rules: KernelRules>: BalloonHand {
  private var driver: BalloonDriver<Probe, RememberingHost, NoSteps, Rules>

  init(_ driver: BalloonDriver<Probe, RememberingHost, NoSteps, Rules>) { self.driver = driver }

  func inflate(_ wanted: Int) -> Int { driver.inflate(wanted) }
  func deflate(_ wanted: Int) -> Int { driver.deflate(wanted) }
  func isolate(_ pfn: UInt64) -> Bool { driver.isolate(pfn) }
  func putBack(_ pfn: UInt64) { driver.putBack(pfn) }
  func migrate(_ old: UInt64, to new: UInt64) -> Bool { driver.migrate(old, to: new) }
  func allocate() -> UInt64? { driver.cpu.allocate(order: 0, .userMovable) }
  func put(_ pfn: UInt64) { driver.cpu.put(pfn: pfn, order: 0) }
}
