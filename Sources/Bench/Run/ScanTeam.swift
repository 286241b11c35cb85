import CHost
import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Synchronization

/// The scanner threads of a repetition: the measuring thread and, with one scanner per node, one thread for each
/// further modelled node. Each has its own strategy, buffers and queue.
///
/// A pass begins on all threads at the same time.
package final class ScanTeam {
  package struct Member {
    let runner: StrategyRunner
    package let place: StrategyRunner.VirtualCPU
    /// The modelled node whose zones this thread scans; nil: all.
    package let node: Int?
    /// The host CPU the thread is pinned to; nil if not pinned.
    let hostCPU: Int?
    package let holdLog: HoldLog
    package let hintLog: HintLog

    func session(_ cell: Cell, _ stop: StopFlag) -> Session {
      Session(lowestOrder: cell.order, stop: stop, node: node)
    }
  }

  /// The members. The first is the measuring thread.
  package let members: [Member]

  init(_ members: [Member]) { self.members = members }

  package var runners: [StrategyRunner] { members.map(\.runner) }

  /// One thread's results of a pass without a probe.
  package struct SpeedPart {
    package var pass: SpeedPass
    package var disturbance: Disturbance
    package var hostCPU: Int?
    /// The counts; nil without counters.
    package var reading: CounterReading?
    /// Why opened counters gave nothing; nil otherwise.
    package var refusal: CounterError?
  }

  /// Runs the pass without a probe on every thread. The measuring thread uses the bench's counters; the others open
  /// their own.
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

  /// One thread's results of a pass with the probe.
  package struct ProbedPart {
    package var pass: ProbedPass
    /// The disturbance while the strategy collects.
    package var collecting: Disturbance
    /// The disturbance while it gives blocks back.
    package var returning: Disturbance
  }

  /// Runs the pass with the probe on every thread; clears its logs first. `atEnd` runs on the measuring thread when
  /// every strategy has reported everything and still holds its blocks.
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
          // Disturbances while the account is taken don't affect any hold.
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

  /// Runs `body` for each member on its thread, and returns the results when all are done.
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

  /// The results of one pass. `@unchecked Sendable`: each thread writes its own element, which exists beforehand, and
  /// the semaphore orders the write before the read; only its own thread uses a member.
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

  /// A barrier that can be used again.
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

/// A region of one thread's work that is counted by that thread's counters.
final class CountedRegion {
  private let counters: HardwareCounters
  /// The counts; set when the region ends.
  private(set) var reading: CounterReading?
  /// Why there are no counts.
  private(set) var refusal: CounterError?

  /// - Parameter counters: opened on the calling thread.
  init(_ counters: HardwareCounters) { self.counters = counters }

  var bracket: StrategyRunner.Bracket {
    StrategyRunner.Bracket(
      start: { [self] in do throws(CounterError) { try counters.start() } catch { refusal = error } },
      stop: { [self] in
        guard refusal == nil else { return }
        do throws(CounterError) { reading = try counters.stop() } catch { refusal = error }
      })
  }
}
