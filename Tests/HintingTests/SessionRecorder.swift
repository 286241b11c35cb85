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
  /// Blocks put into the queue one by one, not held.
  private(set) var named: [Block] = []
  /// Blocks reported as one chain each.
  private(set) var batches: [[Block]] = []
  /// Of ``batches``, those in which each block was a buffer of its own.
  fileprivate(set) var batchesOfOwnBuffers = 0
  private(set) var plainKicks = 0
  private(set) var commands = 0
  private(set) var pagesTaken: UInt64 = 0
  private(set) var pagesReturned: UInt64 = 0
  /// Entries looked at, hold by hold.
  private(set) var items: [Int] = []
  /// Called before each hold, when all that is looked at without the lock has been looked at.
  var beforeHold: () -> Void = {}
  /// Called at the beginning of each hold, the lock taken.
  var atAcquire: () -> Void = {}
  /// Called after each hold, with how many there were: nothing else runs meanwhile.
  var afterHold: (Int) -> Void = { _ in }
  /// Whether the words of each buffer sent are kept.
  var keepsBuffers = true
  /// Called with the blocks of each buffer sent.
  var onSend: ([Block]) -> Void = { _ in }

  /// Called with each block put into the queue.
  var onHint: (Block) -> Void = { _ in }
  /// Called with the blocks of each report, while the strategy holds them.
  var onReport: ([Block]) -> Void = { _ in }
  /// What the queue says of a chain.
  var reportsSucceed = true
  /// Waits until all buffers were used, and what the queue says at their end.
  fileprivate(set) var waits = 0
  var waitsSucceed = true
  /// Called while the strategy waits.
  var onWait: () -> Void = {}
  /// The queue: how large, and what of it is free. What is hinted uses it up; ``onReclaim`` gives it back.
  var queueSize = 128
  var descriptorsFree = 128
  /// How many entries the host has used when the driver looks; by default all.
  var onReclaim: (SessionRecorder) -> Int = { $0.queueSize - $0.descriptorsFree }

  func reclaim() { descriptorsFree = min(queueSize, descriptorsFree + onReclaim(self)) }

  /// All that was named or reported, in order.
  var hints: [Block] { sends.flatMap(\.blocks) + named + reports + batches.flatMap { $0 } }
  var kicks: Int { commands + sends.count + plainKicks + reports.count + batches.count }
  var descriptors: Int {
    commands + named.count + reports.count + batches.reduce(0) { $0 + $1.count }
      + sends.reduce(0) { $0 + $1.descriptors }
  }

  /// Hints beyond the first of each block.
  var duplicates: Int { hints.count - Set(hints).count }

  struct Probe: LockProbe {
    let recorder: SessionRecorder
    mutating func willAcquire() { recorder.beforeHold() }
    mutating func didAcquire() { recorder.atAcquire() }
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
      let kept = recorder.keepsBuffers ? (0..<min(buffer.capacity, 16_384)).map { buffer[$0] } : []
      recorder.sends.append(
        Sent(buffer: kept, words: words, format: format, descriptors: descriptors, blocks: blocks))
      recorder.onSend(blocks)
    }

    mutating func hint(_ block: Block) -> Bool {
      guard recorder.descriptorsFree > 1 else { return false }
      recorder.descriptorsFree -= 1
      recorder.named.append(block)
      recorder.onHint(block)
      return true
    }

    var queueSize: Int { recorder.queueSize }
    var descriptorsFree: Int { recorder.descriptorsFree }
    mutating func kick() { recorder.plainKicks += 1 }
    mutating func reclaim() { recorder.reclaim() }

    mutating func report(_ block: Block) -> Bool {
      guard recorder.descriptorsFree > 1 else { return false }
      recorder.reports.append(block)
      recorder.onReport([block])
      return true
    }

    mutating func report(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
      let batch = range.map { Block(rawValue: blocks[$0]) }
      recorder.batches.append(batch)
      recorder.onReport(batch)
      return recorder.reportsSucceed
    }

    mutating func waitUntilUsed() -> Bool {
      recorder.waits += 1
      recorder.onWait()
      return recorder.waitsSucceed
    }

    mutating func reportEach(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
      recorder.batchesOfOwnBuffers += 1
      return report(blocks, range)
    }

    mutating func didTake(pages: UInt64, initialized: Bool) { recorder.pagesTaken += pages }
    mutating func didReturn(pages: UInt64) { recorder.pagesReturned += pages }
  }
}

/// One strategy, prepared for one guest.
final class Bench<S: StrategyPasses> {
  let guest: Guest
  let lowestOrder: Int
  private(set) var strategy: S
  let stop = StopFlag()
  private(set) var session: Session
  /// The strategy's hooks: the strategy itself can't be asked while it runs.
  let hooks: S.Hooks

  /// The order is the highest where none is given.
  init(_ type: S.Type, _ guest: Guest, _ given: [String: String] = [:], lowestOrder: Int? = nil) throws {
    self.guest = guest
    self.lowestOrder = lowestOrder ?? guest.core.highestOrder
    strategy = S(try StrategyEntry(type).configured(given).options)
    session = Session(lowestOrder: self.lowestOrder, stop: stop)
    try strategy.prepare(guest.core, lowestOrder: self.lowestOrder)
    hooks = strategy.hooks
    strategy.reset(guest.core)
  }

  deinit { stop.deallocate() }

  /// What runs on this guest's other CPUs, with the strategy's hooks. `rules` are the guest's, here and below.
  func other<Rules: KernelRules>(
    _ number: Int = 1, under rules: Rules.Type = Linux6_1.self
  ) -> GuestCPU<NoProbe, S.Hooks, Rules> {
    GuestCPU(guest.core, cpu: number, node: 0, probe: NoProbe(), hooks: hooks, rules: rules)
  }

  /// The strategy's own CPU, its holds recorded.
  private func own<Rules: KernelRules>(
    _ recorder: SessionRecorder, _ rules: Rules.Type
  ) -> GuestCPU<SessionRecorder.Probe, S.Hooks, Rules> {
    GuestCPU(
      guest.core, cpu: 0, node: 0, probe: SessionRecorder.Probe(recorder: recorder), hooks: strategy.hooks,
      rules: rules)
  }

  func reset() { strategy.reset(guest.core) }

  /// Runs a copy of the strategy, so that what acts in between may ask for its hooks, which are the same.
  private func running<Result>(_ body: (inout S) -> Result) -> Result {
    var copy = strategy
    defer { strategy = copy }
    return body(&copy)
  }

  func work<Rules: KernelRules>(_ recorder: SessionRecorder, under rules: Rules.Type = Linux6_1.self) -> Outcome {
    var sink = SessionRecorder.Sink(recorder: recorder)
    var cpu = own(recorder, rules)
    return running { $0.work(&cpu, &sink, &session) }
  }

  func collect<Rules: KernelRules>(_ recorder: SessionRecorder, under rules: Rules.Type = Linux6_1.self) -> Outcome {
    session = Session(lowestOrder: lowestOrder, stop: stop)
    var sink = SessionRecorder.Sink(recorder: recorder)
    var cpu = own(recorder, rules)
    return running { $0.collect(&cpu, &sink, &session) }
  }

  func giveBack<Rules: KernelRules>(_ recorder: SessionRecorder, under rules: Rules.Type = Linux6_1.self) {
    var sink = SessionRecorder.Sink(recorder: recorder)
    var cpu = own(recorder, rules)
    running { $0.giveBack(&cpu, &sink, &session) }
  }
}
