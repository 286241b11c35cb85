import GuestMemory
import Instruments

/// Gets a strategy's calls one by one and lets others act in between: a simulation of what runs beside it. See
/// ``HintSink`` for what each call means.
///
/// Nothing measured goes through it: its calls are dynamic, and it may allocate.
public protocol HintReceiver: AnyObject {
  /// The strategy has taken a zone lock. Until ``didRelease()`` nobody else gets into that zone.
  func didAcquire()
  /// The strategy has given a zone lock back.
  func didRelease()

  func command()
  /// Addresses of blocks that the strategy doesn't hold. Returns once the host has used the buffer.
  func send(_ blocks: [Block], descriptors: Int)
  /// An address of a block that the strategy doesn't hold. Returns false if there is no room.
  func hint(_ block: Block) -> Bool
  /// A block that the strategy holds. Returns false if there is no room.
  func report(_ block: Block) -> Bool
  /// Blocks that the strategy holds until this returns.
  func report(_ blocks: [Block]) -> Bool
  func reclaim()
  func waitUntilUsed() -> Bool
  func didTake(pages: UInt64)
  func didReturn(pages: UInt64)
  var queueSize: Int { get }
  var descriptorsFree: Int { get }
}

/// Passes a strategy's calls on to a ``HintReceiver``, which must outlive it.
public struct ForwardingSink: HintSink {
  private let receiver: any HintReceiver

  public init(_ receiver: any HintReceiver) { self.receiver = receiver }

  public mutating func command() { receiver.command() }

  public mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors: Int) {
    var blocks: [Block] = []
    buffer.forEachBlock(words: words, format) { blocks.append($0) }
    receiver.send(blocks, descriptors: descriptors)
  }

  public mutating func hint(_ block: Block) -> Bool { receiver.hint(block) }
  public var queueSize: Int { receiver.queueSize }
  public var descriptorsFree: Int { receiver.descriptorsFree }
  /// The simulated host looks at its queue without being kicked.
  public mutating func kick() {}
  public mutating func reclaim() { receiver.reclaim() }
  public mutating func report(_ block: Block) -> Bool { receiver.report(block) }

  public mutating func report(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    receiver.report(range.map { Block(rawValue: blocks[$0]) })
  }

  /// The simulated host acts on the blocks of a report one by one, whatever buffers they are in.
  public mutating func reportEach(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool { report(blocks, range) }

  public mutating func waitUntilUsed() -> Bool { receiver.waitUntilUsed() }
  public mutating func didTake(pages: UInt64, initialized: Bool) { receiver.didTake(pages: pages) }
  public mutating func didReturn(pages: UInt64) { receiver.didReturn(pages: pages) }
}

/// Tells a ``HintReceiver`` of a strategy's zone locks.
public struct ForwardingProbe: LockProbe {
  private let receiver: any HintReceiver

  public init(_ receiver: any HintReceiver) { self.receiver = receiver }

  public mutating func willAcquire() {}
  public mutating func didAcquire() { receiver.didAcquire() }
  public mutating func willRelease() {}
  public mutating func didRelease(zone: Int, items: Int) { receiver.didRelease() }
}
