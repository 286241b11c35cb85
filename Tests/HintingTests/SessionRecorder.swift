import Instruments

@testable import Delivery
@testable import GuestMemory
@testable import Hinting

/// Keeps what a strategy did in one session, hold by hold and word by word, and lets a test act between its holds.
final class SessionRecorder {
  struct Sent {
    /// All words the buffer holds, sent or not.
    var buffer: [UInt64]
    var words: Int
    var format: HintFormat
    var descriptors: Int
    var blocks: [Block]
  }

  private(set) var sends: [Sent] = []
  private(set) var reports: [Block] = []
  private(set) var commands = 0
  private(set) var pagesTaken: UInt64 = 0
  private(set) var pagesReturned: UInt64 = 0
  /// Entries looked at, hold by hold.
  private(set) var items: [Int] = []
  /// Called after each hold, with how many there were: nothing else runs meanwhile.
  var afterHold: (Int) -> Void = { _ in }
  /// Called with the blocks of each buffer sent.
  var onSend: ([Block]) -> Void = { _ in }

  /// All that was named or reported, in order.
  var hints: [Block] { sends.flatMap(\.blocks) + reports }
  var kicks: Int { commands + sends.count + reports.count }
  var descriptors: Int { commands + reports.count + sends.reduce(0) { $0 + $1.descriptors } }

  /// Hints beyond the first of each block.
  var duplicates: Int { hints.count - Set(hints).count }

  struct Probe: LockProbe {
    let recorder: SessionRecorder
    mutating func willAcquire() {}
    mutating func didAcquire() {}
    mutating func willRelease() {}
    mutating func didRelease(zone: Int, items: Int) {
      recorder.items.append(items)
      recorder.afterHold(recorder.items.count)
    }
  }

  struct Sink: HintSink {
    let recorder: SessionRecorder
    mutating func command() { recorder.commands += 1 }

    mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors: Int) {
      var blocks: [Block] = []
      buffer.forEachBlock(words: words, format) { blocks.append($0) }
      // Large buffers aren't copied whole.
      let kept = (0..<min(buffer.capacity, 16_384)).map { buffer[$0] }
      recorder.sends.append(
        Sent(buffer: kept, words: words, format: format, descriptors: descriptors, blocks: blocks))
      recorder.onSend(blocks)
    }

    mutating func report(_ block: Block) { recorder.reports.append(block) }
    mutating func didTake(pages: UInt64, initialized: Bool) { recorder.pagesTaken += pages }
    mutating func didReturn(pages: UInt64) { recorder.pagesReturned += pages }
  }
}

/// One strategy, prepared for one guest.
final class Bench<S: HintStrategy> {
  let guest: Guest
  let lowestOrder: Int
  private(set) var strategy: S
  let stop = StopFlag()
  private(set) var session: Session

  /// The order is the highest where none is given.
  init(_ type: S.Type, _ guest: Guest, _ given: [String: String] = [:], lowestOrder: Int? = nil) throws {
    self.guest = guest
    self.lowestOrder = lowestOrder ?? guest.core.highestOrder
    strategy = S(try StrategyEntry(type).configured(given).options)
    session = Session(lowestOrder: self.lowestOrder, stop: stop)
    try strategy.prepare(guest.core, lowestOrder: self.lowestOrder)
  }

  deinit { stop.deallocate() }

  func collect(_ recorder: SessionRecorder) -> Outcome {
    session = Session(lowestOrder: lowestOrder, stop: stop)
    var sink = SessionRecorder.Sink(recorder: recorder)
    var cpu = GuestCPU(guest.core, cpu: 0, node: 0, probe: SessionRecorder.Probe(recorder: recorder))
    return strategy.collect(&cpu, &sink, &session)
  }

  func giveBack(_ recorder: SessionRecorder) {
    var sink = SessionRecorder.Sink(recorder: recorder)
    var cpu = GuestCPU(guest.core, cpu: 0, node: 0, probe: SessionRecorder.Probe(recorder: recorder))
    strategy.giveBack(&cpu, &sink, &session)
  }
}
