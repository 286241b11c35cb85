import Delivery
import Foundation
import GuestMemory
import Instruments
import Migration
import Testing

@testable import Experiments
@testable import Hinting

/// The host of the experiment `delivery`: what it acts on, what it ignores, and what it sees of the guest's pages.
@Suite(.serialized) struct DeliveryHostTests {
  private let pages = 1 << 14

  /// One session with a host, whose strategy is `body`. `id`: what the driver answers; nil: the host's own.
  private func session(
    _ action: HostAction = .bitmap, memory: HostMemory? = nil, needsSession: Bool = true,
    watch: DeliveryHost.Watch? = nil, notification: HostNotification = .polled, id: UInt32? = nil,
    delay: UInt32 = 0, _ body: (inout DeliverySink, DeliveryHost, StopFlag) throws -> Void
  ) throws -> (host: DeliveryHost, figures: DeliveryHost.Figures, sink: DeliverySink, blocks: [Block]) {
    let log = try HintLog(capacity: 1 << 16)
    let host = DeliveryHost(
      action, memory: memory, bitmap: action == .bitmap ? MigrationBitmap(units: pages, allSet: true) : nil,
      needsSession: needsSession, watch: watch, log: log)
    let channel = try DeliveryChannel(size: 64, notification) {
      if delay > 0 { usleep(delay) }
      host.serve($0, $1)
    }
    try channel.start()
    let stop = StopFlag()
    defer { stop.deallocate() }
    let own = host.begin()
    var sink = channel.sink(sessionID: id ?? own, notesTimes: true, stop: stop)
    try body(&sink, host, stop)
    holds(sink.finish())
    #expect(channel.stop().fault == nil)
    withExtendedLifetime(channel) {}
    return (host, host.figures, sink, log.hints.map(\.block))
  }

  /// An expectation of a call that changes what it is made on, which the macro refuses.
  private func holds(_ value: Bool, at location: SourceLocation = #_sourceLocation) {
    #expect(value, sourceLocation: location)
  }

  private func words(_ blocks: [Block]) throws -> (arena: HintArena, buffer: HintBuffer) {
    let arena = try HintArena(bytes: max(blocks.count, 1) * 8)
    let buffer = arena.buffer(bytes: max(blocks.count, 1) * 8)
    for (index, block) in blocks.enumerated() { buffer.store(block.pfn << 12, at: index) }
    return (arena, buffer)
  }

  private func dirty(_ host: DeliveryHost) -> Int { (0..<pages).count { host.isDirty($0) == true } }

  // MARK: sessions

  @Test func hintsOfItsSessionClearTheirBits() throws {
    let blocks = [Block(pfn: 0, order: 3), Block(pfn: 1024, order: 10), Block(pfn: 4096, order: 0)]
    let result = try session { sink, _, _ in
      sink.command()
      for block in blocks { holds(sink.hint(block)) }
      sink.command()
    }
    #expect(result.blocks == blocks && result.figures.acted == 3 && result.figures.ignored == 0)
    #expect(result.figures.bitsCleared == 8 + 1024 + 1 && dirty(result.host) == pages - 1033)
    #expect(result.host.isDirty(7) == false && result.host.isDirty(8) == true && result.host.isDirty(4097) == true)
    #expect(result.figures.latency.count == 3)
  }

  /// Single hints and buffers alike, with each kind of id that isn't the session's.
  @Test(arguments: [0x8000_0000, 0x8000_0002, 0xffff_ffff, 0, 1] as [UInt32])
  func aStaleSessionClearsNothing(id: UInt32) throws {
    let blocks = (0..<20).map { Block(pfn: UInt64($0) * 16, order: 4) }
    let (arena, buffer) = try words(blocks)
    let result = try session(id: id) { sink, _, _ in
      sink.command()
      for block in blocks { holds(sink.hint(block)) }
      sink.send(buffer, words: blocks.count, .address(order: 4), descriptors: 1)
      sink.command()
    }
    withExtendedLifetime(arena) {}
    #expect(result.figures.acted == 0 && result.figures.ignored == 40 && result.blocks.isEmpty)
    #expect(dirty(result.host) == pages)
  }

  @Test func aBufferThatAnswersTheSessionNeedsNoCommand() throws {
    let blocks = (0..<20).map { Block(pfn: UInt64($0) * 16, order: 4) }
    let (arena, buffer) = try words(blocks)
    for isStale in [false, true] {
      let result = try session(id: isStale ? 0x8000_0000 : nil) { sink, _, _ in
        sink.send(buffer, words: blocks.count, .address(order: 4), descriptors: 1)
      }
      #expect(result.blocks == (isStale ? [] : blocks) && result.figures.ignored == (isStale ? 20 : 0))
      #expect(dirty(result.host) == pages - (isStale ? 0 : 320))
    }
    withExtendedLifetime(arena) {}
  }

  @Test func afterItsStopNothingIsApplied() throws {
    let result = try session { sink, host, _ in
      sink.command()
      holds(sink.hint(Block(pfn: 0, order: 0)))
      holds(sink.finish())
      host.stop()
      for pfn in 1..<10 { holds(sink.hint(Block(pfn: UInt64(pfn), order: 0))) }
      sink.command()
    }
    #expect(result.figures.acted == 1 && result.figures.ignored == 9 && dirty(result.host) == pages - 1)
  }

  @Test func hintsBeforeTheCommandAreNotOfTheSession() throws {
    let result = try session { sink, _, _ in
      holds(sink.hint(Block(pfn: 0, order: 0)))
      sink.command()
      holds(sink.hint(Block(pfn: 1, order: 0)))
      sink.command()
      holds(sink.hint(Block(pfn: 2, order: 0)))
    }
    #expect(result.blocks == [Block(pfn: 1, order: 0)] && result.figures.ignored == 2)
  }

  @Test func reportsNeedNone() throws {
    let result = try session(needsSession: false) { sink, _, _ in holds(sink.report(Block(pfn: 0, order: 2))) }
    #expect(result.figures.acted == 1 && dirty(result.host) == pages - 4)
  }

  // MARK: memory

  private static let memories: [HostAction] = [.discard(.small), .discard(.huge), .punch(.small), .punch(.huge)]

  private static func memory(_ action: HostAction) -> HostMemory? {
    guard let memory = try? HostMemory(action, bytes: 8 << 20) else { return nil }
    memory.populate()
    return memory.refusal == nil ? memory : nil
  }

  private func isZero(_ memory: HostMemory, _ range: Range<Int>) -> Bool {
    UnsafeRawBufferPointer(start: memory.base + range.lowerBound, count: range.count).allSatisfy { $0 == 0 }
  }

  @Test(arguments: memories) func whatIsGivenBackReadsZero(action: HostAction) throws {
    guard let memory = Self.memory(action) else {
      // This machine sets no such pages aside.
      #expect(action.page == .huge)
      return
    }
    let pages = stride(from: 0, to: memory.bytes, by: memory.page.rawValue)
    #expect(pages.allSatisfy { !isZero(memory, $0..<$0 + 4096) }, "populated pages aren't zero")
    let result = try session(action, memory: memory, needsSession: false) { sink, _, _ in
      holds(sink.report(Block(pfn: 1 << 20, order: 9)))
      holds(sink.report(Block(pfn: 0, order: 9)))
      holds(sink.report(Block(pfn: 7, order: 0)))
    }
    // A single page is less than a huge one.
    let isHuge = memory.page == .huge
    #expect(result.figures.acted == (isHuge ? 2 : 3) && result.figures.tooSmall == (isHuge ? 1 : 0))
    #expect(result.figures.failed == 0)
    let gone = (4 << 20) + (isHuge ? 0 : 4096)
    #expect(isZero(memory, 0..<gone))
    #expect(
      stride(from: isHuge ? gone : gone, to: memory.bytes, by: memory.page.rawValue).allSatisfy {
        !isZero(memory, $0..<$0 + 4096)
      }, "the rest is as it was")
    memory.populate()
    #expect(pages.allSatisfy { !isZero(memory, $0..<$0 + 4096) })
  }

  /// What is gone already costs less to give back: that is no time of the block's.
  @Test func blocksThatFindNoMemoryLeftAreCounted() throws {
    let memory = try #require(Self.memory(.discard(.small)))
    for (blocks, without) in [(2, 0), (3, 1), (4, 2)] {
      memory.populate()
      let result = try session(.discard(.small), memory: memory, needsSession: false) { sink, _, _ in
        for number in 0..<blocks { holds(sink.report(Block(pfn: UInt64(number) << 10, order: 10))) }
      }
      #expect(result.figures.acted == blocks && result.figures.withoutMemory == without)
    }
  }

  @Test func actionsThatGiveNothingBackHaveNoMemory() throws {
    #expect(try HostMemory(.none) == nil && HostMemory(.bitmap) == nil)
  }

  @Test func onlyBlocksThatAreHeldMayBeDiscarded() {
    for entry in Strategies.all {
      let gives = HostAction.allowed(entry.card).contains { $0.page != nil }
      #expect(gives == entry.card.takesWhatItReports, "\(entry.card.name)")
      #expect(HostAction.allowed(entry.card).contains(.bitmap) == entry.card.reports)
    }
  }

  // MARK: what it sees of the guest

  private func guest() throws -> Guest {
    let guest = try Guest(.standard(bytes: 256 << 20, cpus: 2))
    guest.fillFresh()
    return guest
  }

  private func cpu(_ guest: Guest) -> GuestCPU<NoProbe, NoHooks, Linux6_1> {
    GuestCPU(guest.core, cpu: 0, node: 0, probe: NoProbe())
  }

  private func watch(_ guest: Guest, _ expects: DeliveryHost.Watch.Expectation) -> DeliveryHost.Watch {
    .init(core: guest.core, expects: expects)
  }

  /// A listed block of the highest order, and its zone.
  private func freeBlock(_ guest: Guest) throws -> (Block, Zone) {
    for zone in guest.core.zones.reversed() {
      if let page = zone.freeList(order: 10, .movable).first {
        return (Block(pfn: guest.core.pfn(page), order: 10), zone)
      }
    }
    throw TestSetupError()
  }

  private func allocate(_ cpu: inout GuestCPU<NoProbe, NoHooks, Linux6_1>, order: Int, _ gfp: GFP) throws -> UInt64 {
    guard let pfn = cpu.allocate(order: order, gfp) else { throw TestSetupError() }
    return pfn
  }

  private struct TestSetupError: Error {}

  @Test func aFreeBlockIsFreeWholeSplitOrMergedAndNoLonger() throws {
    let guest = try guest()
    let free = watch(guest, .free)
    var cpu = cpu(guest)
    let pfn = try allocate(&cpu, order: 10, .userMovable)
    let block = Block(pfn: pfn, order: 10)
    #expect(!free.isAsExpected(block))
    #expect(!free.isAsExpected(Block(pfn: pfn + 512, order: 9)), "the second half of what is in use")
    cpu.free(pfn: pfn, order: 10)
    #expect(free.isAsExpected(block))
    #expect(free.isAsExpected(Block(pfn: pfn + 512, order: 9)) && free.isAsExpected(Block(pfn: pfn + 3, order: 0)))
    // A part of it in use: it leads its list, and is split when the smaller blocks are used up.
    var parts: [UInt64] = []
    while !parts.contains(where: { $0 & ~1023 == pfn }) { parts.append(try allocate(&cpu, order: 4, .userMovable)) }
    let small = try #require(parts.last)
    #expect(!free.isAsExpected(block))
    #expect(!free.isAsExpected(Block(pfn: small, order: 4)))
    #expect(free.isAsExpected(Block(pfn: small ^ 512, order: 9)), "the half that is still free")
    cpu.free(pfn: small, order: 4)
    #expect(free.isAsExpected(block))
    withExtendedLifetime(guest) {}
  }

  @Test func aHeldBlockIsSeenToBeHeldUntilItIsGivenBack() throws {
    let guest = try guest()
    let isolated = watch(guest, .isolated)
    let allocated = watch(guest, .allocated)
    var cpu = cpu(guest)
    let (block, zone) = try freeBlock(guest)
    let page = guest.core.page(block.pfn)
    #expect(!isolated.isAsExpected(block) && !allocated.isAsExpected(block))
    let isTaken = cpu.withZoneLocked(zone) { $0.isolate(page) }
    #expect(isTaken)
    #expect(isolated.isAsExpected(block) && !allocated.isAsExpected(block))
    cpu.withZoneLocked(zone) { hold in
      let type = guest.core.pageblockMigratetype(block.pfn)
      _ = hold.putBack(page, order: 10, type)
    }
    #expect(!isolated.isAsExpected(block), "it is free again")

    let pfn = try allocate(&cpu, order: 10, .freePageAlloc)
    let own = Block(pfn: pfn, order: 10)
    #expect(allocated.isAsExpected(own) && !isolated.isAsExpected(own))
    cpu.free(pfn: pfn, order: 10)
    #expect(!allocated.isAsExpected(own))
    // Split: its head in use, the rest free.
    let part = try allocate(&cpu, order: 5, .userMovable)
    #expect(!allocated.isAsExpected(Block(pfn: part & ~1023, order: 10)))
    withExtendedLifetime(guest) {}
  }

  /// A strategy that lets go of what the host hasn't acted on is caught, and a right one isn't.
  @Test(arguments: [("yes", false), ("no", true)])
  func aDesignThatDoesNotHoldIsCaught(holds: String, isCaught: Bool) throws {
    let guest = try guest()
    let runner = StrategyRunner(
      CarelessTaker(try StrategyEntry(CarelessTaker.self).configured(["holds": holds]).options))
    let pass = Box<DeliveryPass>()
    // A host that takes its time, so that what is freed at once is free when it acts.
    let result = try session(.none, needsSession: false, watch: watch(guest, .allocated), delay: 300) { sink, _, stop in
      pass.value = runner.deliver(.init(guest), Session(lowestOrder: 10, stop: stop), &sink)
    }
    #expect(pass.value?.isWhole == true)
    #expect((result.figures.stale > 0) == isCaught, "holds: \(holds): \(result.figures.stale)")
    withExtendedLifetime(guest) {}
  }

  private final class Box<Value> { var value: Value? }
}
