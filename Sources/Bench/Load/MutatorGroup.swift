import CHost
import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Synchronization

/// The mutators of one pass, each on its own thread, host CPU and modelled CPU, whose vmstat tick it has once a second.
public final class MutatorGroup: @unchecked Sendable {
  // Right to send: `command`, `parked`, `deadline` and `windowEnd` are atomic; `windowStop` is set before `command`
  // starts the threads; the mutators and their disturbance are only read while parked.
  private enum Command {
    static let run = 0, park = 1, end = 2
  }

  /// A mutator, and the number of times its thread was preempted while it ran; nil if the system doesn't report it.
  private final class Worker: @unchecked Sendable {
    // Right to send: as the group.
    let mutator: AnyMutator
    var involuntarySwitches: Int? = 0
    private var bursts = 0
    /// When its CPU's next vmstat tick is due, on ``CycleClock``; nil before the first run.
    private var nextTick: UInt64?
    /// Until when it rests, on ``CycleClock``; nil if it doesn't.
    private var restsUntil: UInt64?
    /// The time between two in the clock's ticks, known before anything is measured.
    private let interval = UInt64(Double(tickNanoseconds) / CycleClock.nanosecondsPerTick)

    init(_ mutator: AnyMutator) { self.mutator = mutator }

    /// A burst, or a short sleep of a load that rests. The clock is read only for such a load.
    func act() {
      if let until = restsUntil {
        guard CycleClock.begin() >= until else {
          usleep(50)
          return
        }
        restsUntil = nil
      }
      let rest = mutator.burst()
      if rest > 0 { restsUntil = CycleClock.begin() &+ UInt64(Double(rest) / CycleClock.nanosecondsPerTick) }
    }

    /// Between two bursts: its CPU's vmstat tick, if it is due. The clock is read once in 64 calls.
    func tickIfDue() {
      bursts &+= 1
      guard bursts & 63 == 0 else { return }
      let now = CycleClock.begin()
      guard let due = nextTick else {
        nextTick = now &+ interval
        return
      }
      guard now >= due else { return }
      mutator.tick()
      nextTick = now &+ interval
    }
  }

  private let workers: [Worker]
  private let command = Atomic<Int>(Command.park)
  private let parked = Atomic<Int>(0)
  private var threads: [Thread] = []
  private let ended = DispatchSemaphore(value: 0)
  /// When a window ends, on ``CycleClock``; .max if there is none.
  private let deadline = Atomic<UInt64>(.max)
  /// When the window was ended, on ``MonotonicClock``; 0 if it wasn't.
  private let windowEnd = Atomic<UInt64>(0)
  private var windowStop: StopFlag?
  private var runningSince: UInt64 = 0
  private var runNanoseconds: UInt64 = 0
  /// The shortest run that gives a rate: below 10 ms it mostly measures starting and stopping threads. Nanoseconds.
  private static let shortestRate: UInt64 = 10_000_000

  /// Creates parked mutators with the hooks of `runner`'s strategy, or without hooks if `runner` is nil. `guestCPUs`:
  /// their modelled CPUs, by default 1 and up. `hostCPUs`: the host CPUs they are pinned to in turn; empty means not
  /// pinned. `isProbed`: whether holds and latencies are measured; otherwise only operations are counted. `mostPages`:
  /// the approximate number of pages each holds at once, by default an equal share of an eighth of free memory.
  /// `restNanoseconds`, `timedOneOf`: as in ``MutatorSettings``.
  ///
  /// - Throws: ``GuestError`` or ``SystemCallError`` if the host refuses the address space.
  public init(
    _ guest: Guest, _ runner: StrategyRunner?, _ load: MutatorLoad, count: Int, guestCPUs: [Int]? = nil,
    hostCPUs: [Int],
    seed: UInt64, isProbed: Bool, mostPages: Int? = nil, restNanoseconds: UInt64 = 0,
    timedOneOf: Int = 0
  ) throws {
    let guestCPUs = guestCPUs ?? Array(1..<guest.geometry.cpuCount)
    precondition(count <= guestCPUs.count, "\(count) mutators on \(guestCPUs.count) CPUs")
    let share = mostPages ?? Int(guest.core.freePages) / 8 / max(count, 1)
    workers = try (0..<(load == .none ? 0 : count)).map {
      let settings = MutatorSettings(
        load: load, cpu: guestCPUs[$0], mostPages: min(share, 1 << 20), seed: seed, restNanoseconds: restNanoseconds,
        timedOneOf: timedOneOf)
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
        worker.act()
        worker.tickIfDue()
        let deadline = deadline.load(ordering: .relaxed)
        if deadline != .max && CycleClock.begin() >= deadline { endWindow() }
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

  /// Starts the mutators. Returns when all of them run.
  public func run() { run(nanoseconds: nil, stop: nil) }

  /// Starts the mutators for a window of time, at whose end they park themselves and set `stop`. They do so because the
  /// thread beside them may be in the middle of a session then, and another thread would take a CPU from one of them.
  /// Returns when all of them run. ``park()`` must be called as without a window.
  public func run(window nanoseconds: UInt64, stop: StopFlag) { run(nanoseconds: nanoseconds, stop: stop) }

  private func run(nanoseconds: UInt64?, stop: StopFlag?) {
    guard !workers.isEmpty else { return }
    deadline.store(.max, ordering: .relaxed)
    windowEnd.store(0, ordering: .relaxed)
    windowStop = stop
    command.store(Command.run, ordering: .releasing)
    while parked.load(ordering: .acquiring) > 0 { chost_pause() }
    runningSince = MonotonicClock.nanoseconds()
    if let nanoseconds {
      let ticks = Double(nanoseconds) / CycleClock.nanosecondsPerTick
      deadline.store(CycleClock.begin() &+ UInt64(ticks), ordering: .relaxed)
    }
  }

  /// Ends the window, unless another mutator has.
  private func endWindow() {
    let (isFirst, _) = command.compareExchange(
      expected: Command.run, desired: Command.park, ordering: .acquiringAndReleasing)
    guard isFirst else { return }
    windowEnd.store(MonotonicClock.nanoseconds(), ordering: .releasing)
    windowStop?.set()
  }

  /// Stops the mutators between two bursts; they keep their blocks. Returns when all of them are parked.
  public func park() {
    guard !workers.isEmpty else { return }
    command.store(Command.park, ordering: .releasing)
    waitUntilParked()
    let ended = windowEnd.load(ordering: .acquiring)
    runNanoseconds += (ended > 0 ? ended : MonotonicClock.nanoseconds()) - runningSince
  }

  /// Frees all blocks of all mutators. Only while parked.
  public func giveBack() { for worker in workers { worker.mutator.giveBack() } }

  /// All blocks of all mutators. Only while parked.
  public var held: [Block] { workers.flatMap(\.mutator.blocks) }

  /// Ends the threads. Must be called before the group is released.
  public func end() {
    command.store(Command.end, ordering: .releasing)
    for _ in workers { ended.wait() }
    threads = []
  }

  /// The combined figures of all mutators; nil without mutators. Only while parked.
  public var figures: MutatorFigures? {
    guard !workers.isEmpty else { return nil }
    var figures = MutatorFigures()
    for worker in workers { figures.merge(worker.mutator.figures) }
    return figures
  }

  /// How often the threads were preempted while they ran, to be added to the disturbance of the threads beside them.
  /// Page faults aren't included, since they can be the load's purpose. Only while parked.
  public var disturbance: Disturbance {
    let switches = workers.map(\.involuntarySwitches)
    return Disturbance(
      involuntarySwitches: switches.contains(nil) ? nil : switches.reduce(0) { $0 + ($1 ?? 0) }, minorFaults: 0,
      stealNanoseconds: nil)
  }

  /// The number of granted allocations and frees. Only while parked.
  public var operations: Int { workers.reduce(0) { $0 + $1.mutator.operations - $1.mutator.refused } }

  /// The combined rate of all mutators; nil if they ran too briefly. Only while parked.
  public var operationsPerSecond: Double? {
    guard !workers.isEmpty, runNanoseconds >= Self.shortestRate else { return nil }
    return Double(operations) / (Double(runNanoseconds) / 1e9)
  }
}
