import CHost
import Foundation
import Instruments

@testable import Ballooning
@testable import GuestMemory

/// Runs the threads of a balloon in every order of their atomic steps.
///
/// Each script runs on a thread of its own, which is let go for one step at a time: at any moment one thread runs, and
/// which is next is a decision. A schedule is the list of decisions and is run by replay from the same start. A section
/// under `pages_lock` is one step, as nobody else can be in one; between any two steps the rules of ``BalloonLedger``
/// are asked, and a state in which nobody can go on is a deadlock.
///
/// **Why a position seen before need not be gone on from.** A position is all memory that the code reads (struct pages,
/// the zone, per-CPU lists, the balloon's own), what the host and the ledger know, and of each thread all that its
/// steps have told it so far. The code has no other input, so that two equal positions have the same future.
/// ``BalloonScheduleTests`` compares with exploration that never prunes.
final class BalloonScheduler: @unchecked Sendable {
  // Right to send: one thread runs at a time, handed on by semaphores.
  typealias Script = @Sendable (inout any ScheduledBalloon, _ pages: [UInt64]) -> Void

  struct Report {
    var runs = 0
    var positions = 0
    var ends: Set<Int> = []
    var fault: String?
  }

  /// What a thread waits for; nil: nothing.
  enum Obstacle: Hashable {
    case lock(of: UInt64)
    case mutex
  }

  fileprivate final class Worker: @unchecked Sendable {
    // Right to send: as the scheduler.
    let number: Int
    let script: Script
    let go = DispatchSemaphore(value: 0)
    let back = DispatchSemaphore(value: 0)
    /// All it has been told.
    var history = 0
    var obstacle: Obstacle?
    var isDone = true

    init(_ number: Int, _ script: @escaping Script) {
      self.number = number
      self.script = script
    }

    /// Hands the turn back, and waits for the next.
    func pause() {
      back.signal()
      go.wait()
    }
  }

  fileprivate let bench: BalloonBench
  private let workers: [Worker]
  private let startCount: Int
  private var pages: [UInt64] = []
  private var ledger = BalloonLedger(listed: [])
  private var isOver = false
  private var fault: String?

  /// - Parameters:
  ///   - pages: in the balloon at the start.
  ///   - scripts: one for each thread, on modelled CPU 1 and up.
  init(_ bench: BalloonBench, pages: Int, _ scripts: [Script]) {
    self.bench = bench
    startCount = pages
    workers = scripts.enumerated().map { Worker($0, $1) }
  }

  // MARK: exploring

  func explore(prunes: Bool = true, mostRuns: Int = 100_000) -> Report {
    for worker in workers { start(worker) }
    var report = Report()
    var seen: Set<Int> = []
    var tasks: [[UInt8]] = [[]]
    while let task = tasks.popLast() {
      if report.runs == mostRuns {
        report.fault = "more than \(mostRuns) runs"
        break
      }
      report.runs += 1
      var decisions: [UInt8] = []
      var isKnown = false
      begin()
      while fault == nil {
        let open = workers.filter { !$0.isDone }
        if open.isEmpty { break }
        let ready = open.filter(canGoOn)
        guard let first = ready.first else {
          fault = "deadlock: nobody can go on"
          break
        }
        var choice = first.number
        if decisions.count < task.count {
          choice = Int(task[decisions.count])
        } else if !isKnown {
          let key = position
          if prunes && !seen.insert(key).inserted {
            isKnown = true
          } else {
            report.positions += 1
            for other in ready.dropFirst() { tasks.append(decisions + [UInt8(other.number)]) }
          }
        }
        decisions.append(UInt8(choice))
        let worker = workers[choice]
        worker.obstacle = nil
        worker.go.signal()
        worker.back.wait()
        if fault == nil { fault = ledger.faults(bench) }
      }
      if fault == nil {
        report.ends.insert(position)
        fault = ledger.faultsAtTheEnd(bench) ?? conservation()
      }
      if let fault {
        // What was broken isn't gone on with: its threads stay where they are.
        report.fault = "\(fault) (decisions \(decisions))"
        return report
      }
    }
    isOver = true
    for worker in workers { worker.go.signal() }
    return report
  }

  private func start(_ worker: Worker) {
    let thread = Thread { [self] in
      while true {
        worker.go.wait()
        if isOver { return }
        var driver = driver(worker, bench.guest.geometry.kernel.rules)
        worker.script(&driver, pages)
        worker.isDone = true
        worker.back.signal()
      }
    }
    thread.stackSize = 512 << 10
    thread.start()
  }

  private func driver<Rules: KernelRules>(_ worker: Worker, _ rules: Rules.Type) -> any ScheduledBalloon {
    BalloonDriver(
      bench.balloon.handle, cpu: bench.cpu(1 + worker.number, rules), probe: NoProbe(), host: bench.host,
      steps: ScheduledSteps(scheduler: self, worker: worker))
  }

  private func begin() {
    bench.restart()
    let driver = bench.hand()
    var left = startCount
    while left > 0 { left -= driver.inflate(left) }
    pages = bench.listed
    ledger = BalloonLedger(listed: pages)
    for worker in workers {
      worker.history = 0
      worker.obstacle = nil
      worker.isDone = false
    }
  }

  private func canGoOn(_ worker: Worker) -> Bool {
    switch worker.obstacle {
    case nil: true
    case .lock(let pfn): !bench.guest.core.page(pfn).isLocked
    case .mutex: !bench.balloon.handle.isMutexTaken
    }
  }

  private func conservation() -> String? {
    bench.drain()
    return bench.faults().first
  }

  // MARK: what a position is

  private var position: Int {
    var hasher = Hasher()
    let core = bench.guest.core
    let zone = core.zone(0)
    let raw = UnsafeRawPointer(core.vmemmapAddress)
    hasher.combine(bytes: UnsafeRawBufferPointer(start: raw, count: Int(zone.endPFN) * 64))
    hasher.combine(bytes: UnsafeRawBufferPointer(start: zone.pointer, count: 2048))
    hasher.combine(
      bytes: UnsafeRawBufferPointer(
        start: zone.pointer.pointee.pcp, count: core.cpuCount * MemoryLayout<PerCPUPages>.stride))
    let handle = bench.balloon.handle
    hasher.combine(bytes: UnsafeRawBufferPointer(start: handle.pages.base, count: 64))
    hasher.combine(handle.words[0])
    hasher.combine(handle.words[1])
    hasher.combine(ledger)
    hasher.combine(bench.host.pages)
    for worker in workers {
      hasher.combine(worker.history)
      hasher.combine(worker.obstacle)
      hasher.combine(worker.isDone)
    }
    return hasher.finalize()
  }

  // MARK: what the threads tell

  fileprivate func note(_ event: BalloonEvent, by worker: Worker) {
    var hasher = Hasher()
    hasher.combine(worker.history)
    hasher.combine(event)
    worker.history = hasher.finalize()
    if let text = ledger.note(event, by: worker.number, bench), fault == nil { fault = text }
  }

  fileprivate func fail(_ text: String) { if fault == nil { fault = text } }
}

/// What a script calls, whatever the rules.
protocol ScheduledBalloon {
  mutating func inflate(_ wanted: Int) -> Int
  mutating func deflate(_ wanted: Int) -> Int
  mutating func isolate(_ pfn: UInt64) -> Bool
  mutating func putBack(_ pfn: UInt64)
  mutating func migrate(_ old: UInt64, to new: UInt64) -> Bool
  /// A page to move to, and back.
  mutating func allocateTarget() -> UInt64?
  mutating func returnTarget(_ pfn: UInt64)

  // With one thing wrong in each.
  mutating func isolateWithoutTheCheck(_ pfn: UInt64) -> Bool
  mutating func isolateWithoutTheListLock(_ pfn: UInt64) -> Bool
  mutating func deflateWithoutTrylock()
  mutating func deflateAsPosted()
  mutating func migrateTellingDeflateFirst(_ old: UInt64, to new: UInt64)
  mutating func putBackForgettingToCount(_ pfn: UInt64)
}

extension BalloonDriver: ScheduledBalloon {
  mutating func allocateTarget() -> UInt64? {
    guard let pfn = cpu.allocate(order: 0, .userMovable) else { return nil }
    steps.did(.allocated(pfn))
    return pfn
  }

  mutating func returnTarget(_ pfn: UInt64) { cpu.put(pfn: pfn, order: 0) }
}

/// The scheduler's end in a thread's code.
struct ScheduledSteps: BalloonSteps {
  fileprivate let scheduler: BalloonScheduler
  fileprivate let worker: BalloonScheduler.Worker

  func did(_ event: BalloonEvent) {
    scheduler.note(event, by: worker)
    worker.pause()
  }

  func note(_ event: BalloonEvent) { scheduler.note(event, by: worker) }

  func waitForLock(of pfn: UInt64) {
    worker.obstacle = .lock(of: pfn)
    worker.pause()
  }

  func waitForMutex() {
    worker.obstacle = .mutex
    worker.pause()
  }

  func bug(_ what: StaticString) { scheduler.fail("\(what)") }
}
