import Ballooning
import CHost
import Foundation
import GuestMemory
import Instruments
import Machine
import Synchronization

/// Two threads contending for one balloon: the calling thread deflates and inflates it in batches; the other walks over
/// the pages, isolates what it can and puts it back, as compaction does when it fails.
final class BalloonContention<Rules: KernelRules> {
  /// One thread's results in one window.
  struct Side {
    /// Pages given back and taken again, or isolated and put back. Pages per second.
    var pagesPerSecond = 0.0
    /// Looks at a page of the balloon that failed because the page was locked, or was leaving the balloon.
    var failed = 0
    var tries = 0
    var disturbance: Disturbance?
    var waits = DurationStatistics(ticks: [], nanosecondsPerTick: 1)
  }

  private typealias Driver = BalloonDriver<HoldProbe, BalloonQueues.Driver, NoSteps, Rules>
  private static var batch: Int { 64 }

  private let balloon: Balloon
  private let queues: BalloonQueues
  private let guest: Guest
  private let logs: [HoldLog]

  /// - Throws: ``SystemCallError`` if the host refuses the address space for the logs.
  init(_ guest: Guest, _ balloon: Balloon, _ queues: BalloonQueues) throws {
    self.guest = guest
    self.balloon = balloon
    self.queues = queues
    logs = [try HoldLog(capacity: 1 << 20), try HoldLog(capacity: 1 << 20)]
  }

  private func driver(cpu: Int) -> Driver {
    logs[cpu].reset()
    return Driver(
      balloon.handle,
      cpu: GuestCPU(guest.core, cpu: cpu, node: guest.geometry.node(ofCPU: cpu), probe: NoProbe(), rules: Rules.self),
      probe: logs[cpu].probe(), host: queues.driver)
  }

  /// Runs the deflating and inflating thread alone.
  func deflatingAlone(_ nanoseconds: UInt64) -> Side { cycle(nanoseconds) }

  /// Runs the isolating thread alone.
  func isolatingAlone(_ nanoseconds: UInt64, hostCPU: Int?) -> Side {
    let isolator = start(hostCPU: hostCPU)
    MonotonicClock.sleep(nanoseconds: nanoseconds)
    return isolator.stop()
  }

  /// Runs both threads at the same time.
  func together(_ nanoseconds: UInt64, hostCPU: Int?) -> (deflating: Side, isolating: Side) {
    let isolator = start(hostCPU: hostCPU)
    let deflating = cycle(nanoseconds)
    return (deflating, isolator.stop())
  }

  private func cycle(_ nanoseconds: UInt64) -> Side {
    var driver = driver(cpu: 0)
    var side = Side()
    var pages = 0
    let meter = DisturbanceMeter()
    let begin = MonotonicClock.nanoseconds()
    var now = begin
    while now < begin + nanoseconds {
      for _ in 0..<8 {
        let given = driver.deflate(Self.batch)
        var taken = 0
        while taken < given {
          let more = driver.inflate(given - taken)
          if more == 0 { break }
          taken += more
        }
        pages += given
      }
      now = MonotonicClock.nanoseconds()
    }
    side.disturbance = meter.reading()
    side.pagesPerSecond = Double(pages) / Double(now - begin) * 1e9
    side.waits = logs[0].summary().wait
    return side
  }

  private func start(hostCPU: Int?) -> Isolator {
    let isolator = Isolator(driver(cpu: 1), balloon.handle.pages.pfns, logs[1])
    isolator.start(hostCPU: hostCPU)
    return isolator
  }

  /// The isolating thread.
  private final class Isolator: @unchecked Sendable {
    // Right to send: anything that isn't atomic belongs to the thread until it has ended, then to the caller.
    private var driver: Driver
    private let pfns: [UInt64]
    private let log: HoldLog
    private var side = Side()
    private let isOver = Atomic<Bool>(false)
    private let isRunning = Atomic<Bool>(false)
    private let ended = DispatchSemaphore(value: 0)

    init(_ driver: Driver, _ pfns: [UInt64], _ log: HoldLog) {
      self.driver = driver
      self.pfns = pfns
      self.log = log
    }

    func start(hostCPU: Int?) {
      let thread = Thread { [self] in
        if let hostCPU { try? ThreadPlacement.pin(toCPU: hostCPU) }
        run()
        ended.signal()
      }
      thread.stackSize = 1 << 20
      thread.start()
      while !isRunning.load(ordering: .acquiring) { MonotonicClock.sleep(nanoseconds: 10_000) }
    }

    func stop() -> Side {
      isOver.store(true, ordering: .releasing)
      ended.wait()
      side.waits = log.summary().wait
      return side
    }

    private func run() {
      let meter = DisturbanceMeter()
      isRunning.store(true, ordering: .releasing)
      let begin = MonotonicClock.nanoseconds()
      var moved = 0
      while !isOver.load(ordering: .relaxed) {
        for pfn in pfns {
          guard driver.balloon.core.page(pfn).isOwnedMovable else { continue }
          side.tries += 1
          if driver.isolate(pfn) {
            driver.putBack(pfn)
            moved += 1
          }
        }
      }
      let spent = MonotonicClock.nanoseconds() - begin
      side.disturbance = meter.reading()
      side.failed = side.tries - moved
      side.pagesPerSecond = Double(moved) / Double(max(spent, 1)) * 1e9
      driver.cpu.drainPerCPULists()
    }
  }
}
