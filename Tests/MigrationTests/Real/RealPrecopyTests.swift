import Foundation
import Glibc
import GuestMemory
import Instruments
import Machine
import Testing

@testable import Migration

@Suite(.needsDirtyLog, .serialized) struct RealPrecopyTests {
  @Test func anIdleGuestArrivesWhole() throws {
    let guest = try RealGuest(freeIsZero: false)
    let result = try guest.migrate()
    #expect(result.pagesSent == guest.memory.count && result.pagesZero == 0 && result.pagesSkipped == 0)
    #expect(result.unitsCompared == guest.used.count)
    #expect(result.bytesSent == Double(guest.memory.count) * 4104 && result.hasConverged)
    // One more where sending it took the 100 ms after which a bandwidth is known.
    #expect((2...3).contains(result.rounds))
  }

  @Test func pagesOfZeroesAreNotSent() throws {
    let guest = try RealGuest(freeIsZero: true)
    let result = try guest.migrate()
    #expect(result.pagesSent == guest.used.count && result.pagesZero == guest.freePages)
    #expect(result.bytesSent == Double(guest.used.count) * 4104 + Double(guest.freePages) * 9)
  }

  /// Pages that had content and are zero when they are sent again are zero there, too.
  @Test func aPageThatBecomesZeroDoesSoAtTheDestination() throws {
    let guest = try RealGuest(freeIsZero: false)
    var batches = 0
    let result = try guest.migrate {
      $0.act = {
        batches += 1
        // Sent by then.
        if batches == 400 { guest.ram.zero(Block(pfn: UInt64(guest.used[0]), order: 0)) }
      }
    }
    #expect(batches > 400 && result.pagesZero == 1)
  }

  @Test func hintsSkipWhatIsFree() throws {
    let guest = try RealGuest(freeIsZero: false)
    let bitmap = HintedBitmap(guest.memory)
    let result = try guest.migrate(bitmap) {
      $0.beginSession = { id in
        bitmap.command(id)
        for block in guest.free { bitmap.hint(block, session: id) }
      }
    }
    #expect(result.pagesSkipped == guest.freePages && result.pagesSent == guest.used.count)
    #expect(result.hints == guest.free.count && result.hintsLate == 0 && result.pagesZero == 0)
  }

  @Test func hintsOutsideOfTheirSessionAreDropped() throws {
    let guest = try RealGuest(freeIsZero: false)
    let bitmap = HintedBitmap(guest.memory)
    var last: UInt32?
    let result = try guest.migrate(bitmap) {
      $0.beginSession = { id in
        // No session was answered, or another one was.
        bitmap.hint(guest.free[0], session: id)
        bitmap.command(id)
        if let last { bitmap.hint(guest.free[0], session: last) }
        last = id
      }
      $0.endSession = { if let last { bitmap.hint(guest.free[0], session: last) } }
    }
    #expect(result.pagesSkipped == 0 && result.hints == 0 && result.hintsLate > 0)
  }

  /// Blocks are taken, written, written again and given back all the time, hints grow stale: nothing is lost.
  @Test(arguments: 1...4 as ClosedRange<UInt64>) func underLoadNothingIsLost(seed: UInt64) throws {
    let guest = try RealGuest(freeIsZero: seed % 2 == 0, seed: seed)
    let bitmap = HintedBitmap(guest.memory)
    var cpu = GuestCPU(guest.guest.core, cpu: 1, node: 0, probe: NoProbe())
    var generator = SeededGenerator(seed: seed, stream: 35)
    var held: [Block] = []
    let clock = Clock()
    let result = try guest.migrate(
      bitmap, downtimeLimit: 2e6, roundLimit: 12, bandwidth: 3e8,
      time: .init(now: { clock.now }, sleep: { clock.now += $0 })
    ) {
      $0.beginSession = { id in
        bitmap.command(id)
        for block in guest.guest.freeBlocks() { bitmap.hint(block, session: id) }
      }
      $0.act = {
        for _ in 0..<20 {
          if generator.chance(0.5), let pfn = cpu.allocate(order: generator.below(4), .userMovable) {
            let block = Block(pfn: pfn, order: 0)
            held.append(block)
            guest.take(block)
          } else if generator.chance(0.5) {
            guest.write(guest.used[generator.below(guest.used.count)])
          } else if !held.isEmpty {
            held.swapAt(generator.below(held.count), held.count - 1)
            guest.write(Int(held[held.count - 1].pfn))
          }
        }
      }
    }
    #expect(result.pagesSkipped > 0 && result.rounds > 3, "seed \(seed): \(result)")
    #expect(result.unitsCompared == guest.used.count + held.count)
  }

  /// A thread writes as fast as it can while pages go out.
  @Test func aThreadThatWritesLosesNothing() throws {
    let guest = try RealGuest(freeIsZero: true)
    let writer = Writer(guest)
    // Slow enough for the bandwidth to be known.
    let result = try guest.migrate(roundLimit: 8, bandwidth: 4e8) {
      $0.stop = { writer.stop() }
      writer.start()
    }
    #expect(result.rounds > 3 && writer.writes > 0 && result.unitsCompared == guest.used.count, "\(result)")
  }

  // MARK: what has to be caught

  /// The hints of a session applied in the next one: a page that was free and isn't any more is lost.
  @Test func hintsAppliedAfterTheNextSyncAreCaught() throws {
    let guest = try RealGuest(freeIsZero: false)
    let bitmap = HintedBitmap(guest.memory)
    let block = try #require(guest.free.filter { $0.order == 0 }.min())
    var collected: [Block] = []
    var batches = 0
    let clock = Clock()
    let page = try lost {
      // Nothing but nothing is little enough.
      _ = try guest.migrate(
        bitmap, downtimeLimit: 1, bandwidth: 3e8, time: .init(now: { clock.now }, sleep: { clock.now += $0 })
      ) {
        $0.beginSession = { id in
          bitmap.command(id)
          for block in collected { bitmap.hint(block, session: id) }
          collected = collected.isEmpty ? [block] : []
        }
        $0.act = {
          batches += 1
          // Sent by then: it is the next sync that has it sent again.
          if batches == 400 { guest.take(block) }
        }
      }
    }
    #expect(page == Int(block.pfn))
  }

  @Test func aWriteThatIsNotNotedIsCaught() throws {
    let guest = try RealGuest(freeIsZero: false)
    let page = guest.used[3]
    var batches = 0
    let found = try lost {
      _ = try guest.migrate({ LosingLog(log: $0, page: page) }) {
        $0.act = {
          batches += 1
          if batches == 100 { guest.write(page) }
        }
      }
    }
    #expect(found == page)
  }

  @Test func aLogClearedAfterTheCopyIsCaught() throws {
    let guest = try RealGuest(freeIsZero: false)
    let page = guest.used[3]
    var batches = 0
    let found = try lost {
      _ = try guest.migrate({ LateLog(log: $0) }) {
        $0.act = {
          batches += 1
          // Copied by then, and before the log is cleared of it.
          if batches == 100 { guest.write(page) }
        }
      }
    }
    #expect(found == page)
  }

  /// The same writes with the log as it should be lose nothing.
  @Test func theSameWithoutTheFaultLosesNothing() throws {
    let guest = try RealGuest(freeIsZero: false)
    var batches = 0
    _ = try guest.migrate {
      $0.act = {
        batches += 1
        if batches == 100 { guest.write(guest.used[3]) }
      }
    }
    #expect(batches > 100)
  }

  private func lost(_ body: () throws -> Void) throws -> Int? {
    do {
      try body()
      return nil
    } catch MigrationError.lost(let page, _) {
      return page
    }
  }

  // MARK: limits

  /// By a clock that only waiting moves: what goes out within a time is what the bandwidth allows.
  @Test func theBandwidthIsKept() throws {
    let guest = try RealGuest(freeIsZero: false)
    let clock = Clock()
    let result = try guest.migrate(
      bandwidth: 1e9, time: .init(now: { clock.now }, sleep: { clock.now += $0 }))
    let wanted = result.bytesSent / 1e9 * 1e9
    #expect(result.total <= wanted && result.total >= wanted - 10e6, "\(result)")
  }

  @Test func aGuestThatWritesMoreThanIsSentIsStoppedAfterSoManyRounds() throws {
    let guest = try RealGuest(freeIsZero: true)
    let clock = Clock()
    var next = 0
    let result = try guest.migrate(
      downtimeLimit: 1e6, roundLimit: 4, bandwidth: 2e8, time: .init(now: { clock.now }, sleep: { clock.now += $0 })
    ) {
      $0.act = {
        for _ in 0..<100 {
          guest.write(guest.used[next % guest.used.count])
          next += 1
        }
      }
    }
    #expect(!result.hasConverged && result.rounds == 5 && result.downtime > 1e6)
  }

  // MARK: the other process

  @Test func aDestinationThatIsKilledIsAnError() throws {
    let guest = try RealGuest(freeIsZero: false)
    let destination = try guest.destination()
    var batches = 0
    var control = RealPrecopy<WriteProtectLog>.GuestControl { guest.inUse }
    control.act = {
      batches += 1
      if batches == 10 { kill(destination.processID, SIGKILL) }
    }
    var migration = RealPrecopy(
      guest.ram, HintedBitmap(guest.memory), try WriteProtectLog(guest.ram), to: destination,
      limits: Precopy(downtimeLimit: 1e6), bandwidth: .infinity, seed: 1, guest: control)
    let error = #expect(throws: MigrationError.self) { _ = try migration.run() }
    #expect("\(try #require(error))".contains("it ended with signal 9"), "\(String(describing: error))")
  }

  @Test(arguments: [
    (["/nonexistent/hintbench"], "No such file"), (["false"], "it ended with exit status 1"),
    (["sh", "-c", "echo hintbench: no memory >&2; exit 69"], "exit status 69: hintbench: no memory"),
  ])
  func aDestinationThatDoesNotStartIsAnError(program: [String], says: String) throws {
    let ram = try GuestRAM(pages: 16)
    let error = #expect(throws: MigrationError.self) { _ = try Destination(ram, program: program) }
    #expect("\(try #require(error))".contains(says), "\(String(describing: error))")
  }

  @Test func aStreamThatMakesNoSenseEndsTheDestination() throws {
    let guest = try GuestRAM(pages: 64)
    let destination = try Destination(guest, program: RealGuest.program)
    let error = #expect(throws: MigrationError.self) { _ = try destination.hashes(60..<70, seed: 1) }
    #expect("\(try #require(error))".contains("pages that there aren't"), "\(String(describing: error))")
  }
}

private final class Clock {
  var now = 0.0
}

/// Writes pages in use in turn until it is stopped.
private final class Writer: @unchecked Sendable {
  // Right to send: the thread alone writes; the test reads after its end.
  private let ram: GuestRAM
  private let used: [Int]
  private let ended = DispatchSemaphore(value: 0)
  private let asked = DispatchSemaphore(value: 0)
  private(set) var writes = 0

  init(_ guest: RealGuest) {
    ram = guest.ram
    used = guest.used
  }

  func start() {
    Thread { [self] in
      while asked.wait(timeout: .now()) == .timedOut {
        ram.write(used[writes &* 7 % used.count], version: UInt64(1000 + writes))
        writes += 1
      }
      ended.signal()
    }.start()
  }

  func stop() {
    asked.signal()
    ended.wait()
  }
}

/// A log that never notes one of the pages.
private struct LosingLog: DirtyLog {
  var log: WriteProtectLog
  var page: Int

  func start() throws(SystemCallError) { try log.start() }

  func sync(into bitmap: inout MigrationBitmap) throws(SystemCallError) {
    let before = bitmap[page]
    try log.sync(into: &bitmap)
    if !before { bitmap.clear(page..<page + 1) }
  }
}

/// A log that is cleared when the pages it told of were copied, not when they are read out.
private struct LateLog: DirtyLog {
  var log: WriteProtectLog

  func start() throws(SystemCallError) { try log.start() }

  func sync(into bitmap: inout MigrationBitmap) throws(SystemCallError) {
    // The last round's copies are done.
    try log.start()
    try log.sync(into: &bitmap)
  }
}
