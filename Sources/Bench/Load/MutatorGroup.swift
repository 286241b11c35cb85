import CHost
import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Synchronization

/// The mutators of one pass, each on a thread, a host CPU and a modelled CPU of its own.
public final class MutatorGroup: @unchecked Sendable {
  // Right to send: `command` and `parked` are atomic; the mutators and what they met are read only while parked.
  private enum Command {
    static let run = 0, park = 1, end = 2
  }

  /// A mutator, and how often its thread was taken off its CPU while it ran; nil: the system doesn't tell.
  private final class Worker: @unchecked Sendable {
    // Right to send: as the group.
    let mutator: AnyMutator
    var involuntarySwitches: Int? = 0

    init(_ mutator: AnyMutator) { self.mutator = mutator }
  }

  private let workers: [Worker]
  private let command = Atomic<Int>(Command.park)
  private let parked = Atomic<Int>(0)
  private var threads: [Thread] = []
  private let ended = DispatchSemaphore(value: 0)
  private var runningSince: UInt64 = 0
  private var runNanoseconds: UInt64 = 0
  /// Below 10 ms a rate is mostly the starting and stopping of the threads.
  private static let shortestRate: UInt64 = 10_000_000

  /// Mutators, parked, with the hooks of `runner`'s strategy, or of a kernel built without it. `guestCPUs`: on which
  /// modelled CPUs; nil: on 1 and up. `hostCPUs`: where to pin them, in turn; empty leaves it to the host. `isProbed`:
  /// whether their holds and latencies are measured, or only what they get done. `mostPages`: pages each holds at
  /// once, about; nil: an eighth of what is free is shared out.
  ///
  /// - Throws: ``GuestError`` or ``SystemCallError`` if the address space is refused.
  public init(
    _ guest: Guest, _ runner: StrategyRunner?, _ load: MutatorLoad, count: Int, guestCPUs: [Int]? = nil,
    hostCPUs: [Int],
    seed: UInt64, isProbed: Bool, mostPages: Int? = nil
  ) throws {
    let guestCPUs = guestCPUs ?? Array(1..<guest.geometry.cpuCount)
    precondition(count <= guestCPUs.count, "\(count) mutators on \(guestCPUs.count) CPUs")
    let share = mostPages ?? Int(guest.core.freePages) / 8 / max(count, 1)
    workers = try (0..<(load == .none ? 0 : count)).map {
      let settings = MutatorSettings(load: load, cpu: guestCPUs[$0], mostPages: min(share, 1 << 20), seed: seed)
      guard let runner else { return Worker(try StrategyRunner.plainMutator(guest, settings, isProbed: isProbed)) }
      return Worker(try runner.mutator(guest, settings, isProbed: isProbed))
    }
    for (index, worker) in workers.enumerated() {
      let thread = Thread { [self] in
        if !hostCPUs.isEmpty { try? ThreadPlacement.pin(toCPU: hostCPUs[index % hostCPUs.count]) }
        worker.mutator.prepare()
        loop(worker)
      }
      thread.stackSize = 1 << 20
      threads.append(thread)
      thread.start()
    }
    waitUntilParked()
  }

  private func loop(_ worker: Worker) {
    var isParked = false
    var meter: DisturbanceMeter?
    while true {
      switch command.load(ordering: .acquiring) {
      case Command.run:
        if isParked {
          isParked = false
          meter = DisturbanceMeter.ofThreadAlone()
          parked.subtract(1, ordering: .acquiringAndReleasing)
        }
        worker.mutator.burst()
      case Command.park:
        if !isParked {
          isParked = true
          if let meter {
            let met = meter.reading().involuntarySwitches
            worker.involuntarySwitches = worker.involuntarySwitches.flatMap { sum in met.map { sum + $0 } }
          }
          parked.add(1, ordering: .acquiringAndReleasing)
        }
        usleep(50)
      default:
        ended.signal()
        return
      }
    }
  }

  private func waitUntilParked() {
    while parked.load(ordering: .acquiring) < workers.count { usleep(20) }
  }

  /// Lets them run; returns when all do.
  public func run() {
    guard !workers.isEmpty else { return }
    command.store(Command.run, ordering: .releasing)
    while parked.load(ordering: .acquiring) > 0 { chost_pause() }
    runningSince = MonotonicClock.nanoseconds()
  }

  /// Stops them between two bursts, holding what they hold; returns when all stand.
  public func park() {
    guard !workers.isEmpty else { return }
    command.store(Command.park, ordering: .releasing)
    waitUntilParked()
    runNanoseconds += MonotonicClock.nanoseconds() - runningSince
  }

  /// Gives back everything they hold. Only while parked.
  public func giveBack() { for worker in workers { worker.mutator.giveBack() } }

  /// Blocks they hold. Only while parked.
  public var held: [Block] { workers.flatMap(\.mutator.blocks) }

  /// Ends the threads. Must be called before the group goes.
  public func end() {
    command.store(Command.end, ordering: .releasing)
    for _ in workers { ended.wait() }
    threads = []
  }

  /// What they did and suffered all together. Only while parked. Nil without mutators.
  public var figures: MutatorFigures? {
    guard !workers.isEmpty else { return nil }
    var figures = MutatorFigures()
    for worker in workers { figures.merge(worker.mutator.figures) }
    return figures
  }

  /// How often they were taken off their CPUs while they ran, to be added to what disturbed whoever worked beside them.
  /// Faults aren't in it, which may be what a load is for. Only while parked.
  public var disturbance: Disturbance {
    let switches = workers.map(\.involuntarySwitches)
    return Disturbance(
      involuntarySwitches: switches.contains(nil) ? nil : switches.reduce(0) { $0 + ($1 ?? 0) }, minorFaults: 0,
      stealNanoseconds: nil)
  }

  /// Allocations that were granted, and frees. Only while parked.
  public var operations: Int { workers.reduce(0) { $0 + $1.mutator.operations - $1.mutator.refused } }

  /// All mutators together; nil if they ran too short for a rate. Only while parked.
  public var operationsPerSecond: Double? {
    guard !workers.isEmpty, runNanoseconds >= Self.shortestRate else { return nil }
    return Double(operations) / (Double(runNanoseconds) / 1e9)
  }
}
