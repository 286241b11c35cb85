import CHost
import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Synchronization

/// The threads that scan in one repetition: the measuring thread alone, or with it one for each further modelled node,
/// each with a strategy, buffers and a queue of its own.
///
/// A pass begins on all of them at once.
package final class ScanTeam {
  package struct Member {
    let runner: StrategyRunner
    package let place: StrategyRunner.VirtualCPU
    /// The modelled node whose zones it scans; nil: all.
    package let node: Int?
    /// Where it is pinned; nil leaves it to the host.
    let hostCPU: Int?
    package let holdLog: HoldLog
    package let hintLog: HintLog

    func session(_ cell: Cell, _ stop: StopFlag) -> Session {
      Session(lowestOrder: cell.order, stop: stop, node: node)
    }
  }

  /// The first is the measuring thread.
  package let members: [Member]

  init(_ members: [Member]) { self.members = members }

  package var runners: [StrategyRunner] { members.map(\.runner) }

  /// What one thread's pass without the probe came to.
  package struct SpeedPart {
    package var pass: SpeedPass
    package var disturbance: Disturbance
    package var hostCPU: Int?
    /// Nil without counters.
    package var reading: CounterReading?
    /// Why counters that were open gave nothing.
    package var refusal: CounterError?
  }

  /// The pass without the probe, on every thread. `counters`: those of the measuring thread; `openCounters` makes the
  /// others'.
  package func speedPass(_ cell: Cell, _ bench: Bench) -> [SpeedPart] {
    let (counters, openCounters, stop) = (bench.counters, bench.openCounters, bench.stop)
    return onEach { index, member, gate in
      let own = index == 0 ? counters : counters == nil ? nil : openCounters()
      let region = own.map(CountedRegion.init)
      gate.waitForAll()
      let meter = DisturbanceMeter()
      let pass = member.runner.speedPass(member.place, member.session(cell, stop), bracket: region?.bracket)
      return SpeedPart(
        pass: pass, disturbance: meter.reading(), hostCPU: ThreadPlacement.currentCPU, reading: region?.reading,
        refusal: region?.refusal)
    }
  }

  /// What one thread's pass with the probe came to.
  package struct ProbedPart {
    package var pass: ProbedPass
    /// Until the strategy has no more to say.
    package var collecting: Disturbance
    /// Of the giving back.
    package var returning: Disturbance
  }

  /// The pass with the probe, on every thread; its logs are emptied before. `atEnd` is called on the measuring thread
  /// when all have no more to say and hold what they hold.
  package func probedPass(_ cell: Cell, _ bench: Bench, atEnd: @escaping () -> Void) -> [ProbedPart] {
    let stop = bench.stop
    for member in members {
      member.holdLog.reset()
      member.hintLog.reset()
    }
    return onEach { index, member, gate in
      gate.waitForAll()
      var meter = DisturbanceMeter()
      var collecting: Disturbance?
      let pass = withExtendedLifetime(member.holdLog) {
        member.runner.probedPass(
          member.place, member.holdLog.probe(), member.session(cell, stop), member.hintLog
        ) {
          // What disturbs the account that is taken now disturbs no hold.
          collecting = meter.reading()
          gate.waitForAll()
          if index == 0 { atEnd() }
          gate.waitForAll()
          meter = DisturbanceMeter()
        }
      }
      let returning = meter.reading()
      return ProbedPart(pass: pass, collecting: collecting ?? returning, returning: returning)
    }
  }

  /// Runs `body` once for each member, on its thread, and returns what each gave when all are done.
  private func onEach<Part>(_ body: @escaping (Int, Member, Gate) -> Part) -> [Part] {
    let gate = Gate(members.count)
    let work = Work(members.count) { index in body(index, self.members[index], gate) }
    let done = DispatchSemaphore(value: 0)
    for (index, member) in members.enumerated().dropFirst() {
      let hostCPU = member.hostCPU
      let thread = Thread {
        if let hostCPU { try? ThreadPlacement.pin(toCPU: hostCPU) }
        work.run(index)
        done.signal()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    work.run(0)
    for _ in members.dropFirst() { done.wait() }
    return work.results
  }

  /// `@unchecked Sendable`: each thread writes a place of its own in memory that was there before, and the semaphore
  /// orders that before the reading; a member is used by its own thread only.
  private final class Work<Part>: @unchecked Sendable {
    private let places: UnsafeMutableBufferPointer<Part?>
    private let body: (Int) -> Part

    init(_ count: Int, _ body: @escaping (Int) -> Part) {
      places = .allocate(capacity: count)
      places.initialize(repeating: nil)
      self.body = body
    }

    deinit {
      places.deinitialize()
      places.deallocate()
    }

    func run(_ index: Int) { places[index] = body(index) }
    var results: [Part] { places.compactMap { $0 } }
  }

  /// Holds every thread until all have come; then the same again.
  private final class Gate: Sendable {
    private let count: Int
    private let arrived = Atomic<Int>(0)

    init(_ count: Int) { self.count = count }

    func waitForAll() {
      guard count > 1 else { return }
      let own = arrived.add(1, ordering: .acquiringAndReleasing).newValue
      let last = (own + count - 1) / count * count
      // Threads may share a CPU.
      while arrived.load(ordering: .acquiring) < last { sched_yield() }
    }
  }
}
