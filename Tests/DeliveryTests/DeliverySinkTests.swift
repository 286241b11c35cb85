import Foundation
import GuestMemory
import Instruments
import Synchronization
import Testing

@testable import Delivery

/// What a strategy sends through a ``DeliverySink`` is what the host reads, in order and once.
@Suite(.serialized) struct DeliverySinkTests {
  /// What a host reads, one part after the other.
  private enum Part: Equatable {
    case command(UInt32)
    case buffer(UInt32)
    case block(Block, inBuffer: Bool)
  }

  private struct Reader: DriverMessageReader {
    var parts: [Part] = []
    var times: [UInt64] = []

    mutating func command(_ id: UInt32) { parts.append(.command(id)) }
    mutating func buffer(sessionID: UInt32) { parts.append(.buffer(sessionID)) }
    mutating func block(_ block: Block, inBuffer: Bool, time: UInt64) {
      parts.append(.block(block, inBuffer: inBuffer))
      times.append(time)
    }
  }

  private final class Listener: Sendable {
    private let reader = Mutex(Reader())

    func read(_ chain: VirtqueueChain, _ memory: DriverMemory) { reader.withLock { chain.read(memory, &$0) } }
    var parts: [Part] { reader.withLock { $0.parts } }
    var times: [UInt64] { reader.withLock { $0.times } }
  }

  /// An expectation of a call that changes what it is made on, which the macro refuses.
  private func holds(_ value: Bool, at location: SourceLocation = #_sourceLocation) {
    #expect(value, sourceLocation: location)
  }

  private func buffer(_ arena: HintArena, _ words: [UInt64]) -> HintBuffer {
    let buffer = arena.buffer(bytes: words.count * 8)
    for (index, word) in words.enumerated() { buffer.store(word, at: index) }
    return buffer
  }

  @Test(arguments: HostNotification.allCases) func theHostReadsWhatWasSent(notification: HostNotification) throws {
    let listener = Listener()
    let channel = try DeliveryChannel(size: 32, notification) { listener.read($0, $1) }
    try channel.start()
    let stop = StopFlag()
    defer { stop.deallocate() }
    let arena = try HintArena(bytes: 1 << 16)
    let blocks = (0..<20).map { Block(pfn: UInt64($0) << 10, order: $0 % 11) }
    var sink = channel.sink(sessionID: 0x8000_0007, notesTimes: true, stop: stop)
    sink.command()
    holds(sink.hint(blocks[0]))
    sink.send(buffer(arena, [5 << 22, 6 << 22]), words: 2, .address(order: 10), descriptors: 1)
    sink.send(buffer(arena, [7 << 12, 4 << 12, 8 << 12, 1 << 12]), words: 4, .baseAndSize, descriptors: 2)
    holds(sink.report(blocks[1]))
    holds(sink.report(buffer(arena, blocks.map(\.rawValue)), 2..<20))
    sink.command()
    holds(sink.finish())
    let figures = channel.stop()
    let expected: [Part] =
      [
        .command(0x8000_0007), .block(blocks[0], inBuffer: false), .buffer(0x8000_0007),
        .block(Block(pfn: 5 << 10, order: 10), inBuffer: true), .block(Block(pfn: 6 << 10, order: 10), inBuffer: true),
        .buffer(0x8000_0007), .block(Block(pfn: 7, order: 2), inBuffer: true),
        .block(Block(pfn: 8, order: 0), inBuffer: true), .block(blocks[1], inBuffer: false),
      ] + blocks[2...].map { .block($0, inBuffer: false) } + [.command(0)]
    #expect(listener.parts == expected)
    #expect(listener.times.allSatisfy { $0 > 0 })
    #expect(sink.hints == 24 && sink.descriptors == 2 + 2 + 1 + 2 + 18)
    #expect(sink.kicks == 6, "a single hint is not kicked")
    #expect(figures.descriptors == UInt64(sink.descriptors))
    #expect(figures.notifications == UInt64(sink.exits) && sink.exits <= sink.kicks + 1)
    if notification == .polled { #expect(figures.wakeUps == 0, "\(figures)") }
  }

  @Test func withoutTimesNoneIsNoted() throws {
    let listener = Listener()
    let channel = try DeliveryChannel(size: 8, .polled) { listener.read($0, $1) }
    try channel.start()
    let stop = StopFlag()
    defer { stop.deallocate() }
    var sink = channel.sink(sessionID: 0x8000_0001, notesTimes: false, stop: stop)
    for order in 0..<7 { holds(sink.hint(Block(pfn: 0, order: order))) }
    holds(sink.finish())
    _ = channel.stop()
    #expect(listener.times == [UInt64](repeating: 0, count: 7))
  }

  /// A host that takes nothing yet: three of four entries go to hints, and the command waits for the fourth only.
  @Test func oneEntryIsKeptForTheCommand() throws {
    let listener = Listener()
    let held = Held()
    let channel = try DeliveryChannel(size: 4, .polled) {
      held.waitUntilOpen()
      listener.read($0, $1)
    }
    try channel.start()
    let stop = StopFlag()
    defer { stop.deallocate() }
    var sink = channel.sink(sessionID: 0x8000_0001, notesTimes: false, stop: stop)
    var accepted = 0
    for pfn in 0..<6 where sink.hint(Block(pfn: UInt64(pfn), order: 0)) { accepted += 1 }
    #expect(accepted == 3 && sink.descriptorsFree == 1)
    holds(!sink.report(Block(pfn: 9, order: 0)))
    #expect(sink.refused == 1)
    sink.command()
    #expect(sink.descriptorsFree == 0)
    held.open()
    holds(sink.finish())
    _ = channel.stop()
    #expect(
      listener.parts == (0..<3).map { .block(Block(pfn: $0, order: 0), inBuffer: false) } + [.command(0x8000_0001)])
    #expect(sink.hints == 3)
  }

  /// Shut until it is opened.
  private final class Held: Sendable {
    private let isOpen = Mutex(false)
    func open() { isOpen.withLock { $0 = true } }
    func waitUntilOpen() { while !isOpen.withLock({ $0 }) { usleep(100) } }
  }

  /// Each kick that the host wants takes the set time; one that it doesn't want takes none.
  @Test func aVMExitIsSpentForEachKickThatTheHostWants() throws {
    let exit: UInt64 = 2_000_000
    for notification in HostNotification.allCases {
      let listener = Listener()
      let channel = try DeliveryChannel(size: 8, notification) { listener.read($0, $1) }
      try channel.start()
      let stop = StopFlag()
      defer { stop.deallocate() }
      var sink = channel.sink(sessionID: 0x8000_0001, exitNanoseconds: exit, notesTimes: false, stop: stop)
      let begin = MonotonicClock.nanoseconds()
      for pfn in 0..<10 {
        holds(sink.report(Block(pfn: UInt64(pfn), order: 0)))
        holds(sink.finish())
      }
      let spent = MonotonicClock.nanoseconds() - begin
      let figures = channel.stop()
      #expect(figures.notifications == UInt64(sink.exits))
      // The clocks differ by less than a thousandth.
      #expect(Double(spent) >= 0.999 * Double(exit) * Double(sink.exits))
      #expect(sink.kicks == 10)
      // A host that polls asks for none, but that a queue begins with the event at its first entry.
      if notification == .polled { #expect(sink.exits <= 1) } else { #expect(sink.exits >= 1) }
    }
  }

  /// Where one more step like the last would be too much, and not before.
  @Test func aSessionWithABoundIsStopped() throws {
    let listener = Listener()
    let channel = try DeliveryChannel(size: 64, .polled) { listener.read($0, $1) }
    try channel.start()
    let stop = StopFlag()
    defer { stop.deallocate() }
    var sink = channel.sink(sessionID: 0x8000_0001, notesTimes: false, stop: stop, mostBytes: 10 << 12)
    for pages in [4, 8] {
      #expect(!stop.isSet)
      holds(sink.report(Block(pfn: 0, order: 2)))
      #expect(sink.bytes == UInt64(pages) << 12)
    }
    #expect(stop.isSet)
    holds(sink.finish())
    _ = channel.stop()
  }

  /// Random sessions: what was accepted arrives, in order, once; what wasn't doesn't. Short sleeps, so that the host
  /// falls asleep as often as it can.
  @Test(arguments: Seeds.list) func nothingIsLostAndNothingComesTwice(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let arena = try HintArena(bytes: 1 << 20)
    for notification in HostNotification.allCases {
      let listener = Listener()
      let channel = try DeliveryChannel(size: [2, 8, 64][random.below(3)], notification) { listener.read($0, $1) }
      try channel.start()
      let stop = StopFlag()
      defer { stop.deallocate() }
      var sink = channel.sink(sessionID: 0x8000_0001, notesTimes: random.chance(0.5), stop: stop)
      var sent: [Block] = []
      var next: UInt64 = 0
      func block() -> Block {
        next += 1
        return Block(pfn: next, order: 0)
      }
      for _ in 0..<200 {
        switch random.below(6) {
        case 0:
          let new = block()
          if sink.report(new) { sent.append(new) }
        case 1:
          let new = (0..<(1 + random.below(sink.queueSize))).map { _ in block() }
          let words = arena.buffer(bytes: new.count * 8).prefix(words: new.count)
          for (index, block) in new.enumerated() { words.store(block.rawValue, at: index) }
          if sink.report(words, 0..<new.count) { sent += new }
        case 2:
          sink.kick()
          for _ in 0..<random.below(300) { _ = sink.descriptorsFree }
        case 3: sink.reclaim()
        default:
          let new = block()
          if sink.hint(new) { sent.append(new) } else { sink.didDrop() }
        }
      }
      holds(sink.finish())
      let figures = channel.stop()
      let came = listener.parts.compactMap { part -> Block? in
        if case .block(let block, _) = part { return block }
        return nil
      }
      #expect(came == sent, "seed \(seed): \(came.count) of \(sent.count)")
      #expect(sink.hints == sent.count && sink.dropped + sink.refused + sent.count >= Int(next) / 2)
      #expect(figures.notifications == UInt64(sink.exits))
    }
  }

  @Test func aChainThatIsTooLongIsRefused() throws {
    let listener = Listener()
    let channel = try DeliveryChannel(size: 4, .polled) { listener.read($0, $1) }
    try channel.start()
    let stop = StopFlag()
    defer { stop.deallocate() }
    let arena = try HintArena(bytes: 4096)
    let words = buffer(arena, (0..<5).map { Block(pfn: $0, order: 0).rawValue })
    var sink = channel.sink(sessionID: 0x8000_0001, notesTimes: false, stop: stop)
    holds(!sink.report(words, 0..<5))
    holds(!sink.report(words, 0..<0))
    holds(sink.report(words, 0..<4))
    #expect(sink.hints == 4)
    _ = channel.stop()
  }
}
