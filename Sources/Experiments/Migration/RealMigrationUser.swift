import Foundation
import GuestMemory
import Instruments
import Machine
import Migration
import Synchronization

/// A user of a migrating guest's real memory, on its own thread. Acts at the set rate, or as fast as it can if that is
/// slower.
final class RealMigrationUser: @unchecked Sendable {
  // Right to send: until stop() has returned only the thread uses the load and its disturbance; the rest belongs to its
  // starter, or is atomic.
  private let load: MigrationLoad<Pages>
  private let hostCPUs: [Int]
  private let isAsked = Atomic<Bool>(false)
  private let ended = DispatchSemaphore(value: 0)
  private var isRunning = false
  /// How often its thread was preempted; only after it has stopped. Faults aren't counted, since the dirty log causes
  /// them.
  private(set) var disturbance = Disturbance(involuntarySwitches: 0, minorFaults: 0, stealNanoseconds: nil)
  /// The most backlog made up for at once, so that the thread can be stopped. Nanoseconds.
  private static let step = 1e6

  /// The pages a user writes, with different content each time.
  private final class Pages: UsedMemory {
    private let ram: GuestRAM
    private var version: UInt64

    init(_ ram: GuestRAM, number: Int) {
      self.ram = ram
      version = UInt64(number + 1) << 40
    }

    func take(_ block: Block) { rewrite(block) }

    func rewrite(_ block: Block) {
      version += 1
      ram.write(block, version: version)
    }

    func giveBack(_ block: Block) {}
  }

  /// - Parameters:
  ///   - number: the user's number; no two users write the same content.
  ///   - cpu: the user's guest CPU.
  ///   - hostCPUs: the CPUs its thread may run on; empty: those of the caller.
  ///   - most: the most pages it holds at once.
  init(
    _ guest: Guest, _ ram: GuestRAM, _ load: MutatorLoad, number: Int, cpu: Int, hostCPUs: [Int], rate: Double,
    most: Int,
    seed: UInt64
  ) {
    self.load = MigrationLoad(
      guest, Pages(ram, number: number), load, cpus: [cpu], ticking: [cpu], rate: rate, most: most,
      seed: seed &+ UInt64(number) &* 7919)
    self.hostCPUs = hostCPUs
  }

  func start() {
    isRunning = true
    let thread = Thread { [self] in
      if !hostCPUs.isEmpty { try? ThreadPlacement.allow(hostCPUs) }
      let meter = DisturbanceMeter.ofThreadAlone()
      let began = MonotonicClock.nanoseconds()
      while !isAsked.load(ordering: .acquiring) {
        let now = Double(MonotonicClock.nanoseconds() - began)
        load.advance(to: min(now, load.due + Self.step))
        if load.due > now { MonotonicClock.sleep(nanoseconds: UInt64(min(load.due - now, Self.step))) }
      }
      disturbance.involuntarySwitches = meter.reading().involuntarySwitches
      ended.signal()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// Stops the user. It writes nothing after this returns.
  func stop() {
    guard isRunning else { return }
    isRunning = false
    isAsked.store(true, ordering: .releasing)
    ended.wait()
  }

  /// The user's blocks, once it has stopped.
  var held: [Block] { load.held }
  var operations: Int { load.operations }
  var failed: Int { load.failed }
}
