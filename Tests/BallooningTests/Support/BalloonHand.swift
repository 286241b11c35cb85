import Instruments

@testable import Ballooning
@testable import GuestMemory

/// A balloon's driver behind a reference, so that what it answers can be asked for within an expectation.
final class BalloonHand<Probe: LockProbe> {
  private var driver: BalloonDriver<Probe, RememberingHost, NoSteps>

  init(_ bench: BalloonBench, _ probe: Probe) {
    driver = BalloonDriver(bench.balloon.handle, cpu: bench.cpu(0), probe: probe, host: bench.host)
  }

  func inflate(_ wanted: Int) -> Int { driver.inflate(wanted) }
  func deflate(_ wanted: Int) -> Int { driver.deflate(wanted) }
  func isolate(_ pfn: UInt64) -> Bool { driver.isolate(pfn) }
  func putBack(_ pfn: UInt64) { driver.putBack(pfn) }
  func migrate(_ old: UInt64, to new: UInt64) -> Bool { driver.migrate(old, to: new) }
  /// A single movable page of somebody's.
  func allocate() -> UInt64? { driver.cpu.allocate(order: 0, .userMovable) }
  func put(_ pfn: UInt64) { driver.cpu.put(pfn: pfn, order: 0) }
}
