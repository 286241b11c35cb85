import Bench
import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Migration

/// A strategy's sessions during a migration by the real clock, each on its own thread beside the sending one.
///
/// The hints go to the host when their session has ended. If the strategy allocates and the guest's kernel zeroes
/// pages, they are zeroed first.
final class RealMigrationSession: @unchecked Sendable {
  // Right to send: from begin() to end() only the session's thread uses everything below.
  private let guest: Guest
  private let runner: StrategyRunner
  private let ram: GuestRAM
  private let bitmap: HintedBitmap
  private let log: HintLog
  private let holdLog: HoldLog
  private let stop: StopFlag
  private let hostCPUs: [Int]
  private let zeroes: Bool
  private var session: Session
  private var sink: RecordingSink
  private let ended = DispatchSemaphore(value: 0)
  private var isRunning = false
  private(set) var ends = SessionEnds()
  private(set) var blocksReported = 0
  /// CPU time of the sessions, which the guest pays. Nanoseconds.
  private(set) var cpuNanoseconds: UInt64 = 0

  init(_ repetition: Repetition, _ bench: Bench, _ ram: GuestRAM, _ bitmap: HintedBitmap) {
    let cell = repetition.cell
    guest = repetition.guest
    runner = repetition.runner
    self.ram = ram
    self.bitmap = bitmap
    log = bench.hintLog
    holdLog = bench.holdLog
    stop = bench.stop
    hostCPUs = bench.otherCPUs
    zeroes = cell.pageInit == .alloc && cell.strategy.card.effect == .takesBlocks
    session = Session(lowestOrder: cell.order, stop: bench.stop)
    sink = RecordingSink(bench.hintLog, repetition.guest.core, repetition.runner.queue)
  }

  var kicks: Int { sink.kicks }
  var descriptors: Int { sink.descriptors }

  /// Begins the session with this id. Not allowed after a session failed.
  func begin(_ id: UInt32) {
    guard ends.failure == nil else { return }
    stop.clear()
    isRunning = true
    let thread = Thread { [self] in
      if !hostCPUs.isEmpty { try? ThreadPlacement.allow(hostCPUs) }
      work(id)
      ended.signal()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// Stops the session. None of its hints arrive after this returns.
  func end() {
    guard isRunning else { return }
    stop.set()
    ended.wait()
    isRunning = false
  }

  private func work(_ id: UInt32) {
    log.reset()
    var began = ThreadCPUClock.nanoseconds()
    ends.note(withExtendedLifetime(holdLog) { runner.work(.init(guest), holdLog.probe(), &session, &sink) })
    cpuNanoseconds += ThreadCPUClock.nanoseconds() - began
    bitmap.command(id)
    for hint in log.hints {
      if zeroes && hint.isHeld && !stop.isSet {
        began = ThreadCPUClock.nanoseconds()
        ram.zero(hint.block)
        cpuNanoseconds += ThreadCPUClock.nanoseconds() - began
      }
      bitmap.hint(hint.block, session: id)
      blocksReported += 1
    }
    bitmap.command(FreePageHintHost.stopID)
  }

  /// Has the strategy give back its blocks. Only between sessions.
  func giveBack() {
    withExtendedLifetime(holdLog) { runner.giveBack(.init(guest), holdLog.probe(), &session, &sink) }
  }
}
