import Delivery
import GuestMemory
import Instruments
import Records

/// A strategy for finding free memory and telling the host about it.
///
/// A strategy is a struct in a file of its own and two lines in ``Strategies``. It sees a guest CPU, a sink, and a
/// session with the stop flag and a clock; nothing else. ``collect(_:_:_:)`` is compiled for each probe and sink, so
/// that between lock and unlock there is no dynamic call, no allocation and no reference counting.
///
/// A strategy that reacts to frees says so on its card, has ``Hooks`` of its own, and does its work in
/// ``work(_:_:_:)``.
public protocol HintStrategy: Sendable {
  /// What the strategy puts into the allocator: ``NoHooks`` for most.
  associatedtype Hooks: AllocatorHooks

  static var card: StrategyCard { get }

  /// - Parameter options: one value for each of the card's options, checked.
  init(_ options: OptionValues)

  /// Done once before a session and never timed: what the driver does when it is probed. Buffers come from the arena it
  /// makes.
  ///
  /// - Throws: ``GuestError`` if the host has no room for the buffers.
  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError)

  /// Entries of its virtqueue: a power of two. 1024, as QEMU's queue for free-page hints, unless a type says else.
  var queueSize: Int { get }

  /// The hooks every CPU of the guest runs, once prepared.
  var hooks: Hooks { get }

  /// Rebuilds what the hooks would hold by now, after the guest was restored to its starting state. Before each
  /// session, never timed; no thread runs in the guest.
  mutating func reset(_ guest: GuestCore)

  /// Whether a hook has asked for ``work(_:_:_:)`` (or the last work for more). Read at any time, without a lock.
  var isWorkRequested: Bool { get }

  /// From the request to the work. Nanoseconds.
  var workDelayNanoseconds: UInt64 { get }

  /// One run of the work a hook asked for. Blocks it reports are back on the lists when it returns.
  mutating func work<Probe: LockProbe, Sink: HintSink>(
    _ cpu: inout GuestCPU<Probe, Hooks>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome

  /// Whether the strategy still takes `block`, which it reported, for one the host knows of: false once the guest has
  /// used it. Read without a lock, so that it may be out of date.
  func isKnownToHost(_ block: Block, _ guest: GuestCore) -> Bool

  /// Bytes of its buffers at a session's start, once prepared; nil if it has none.
  var bufferBytes: Int? { get }

  /// One session: finds what is free and hands it to `sink`. Blocks it holds stay held. Of a strategy that reacts to
  /// frees: its work again and again until none is requested, without the delay between.
  mutating func collect<Probe: LockProbe, Sink: HintSink>(
    _ cpu: inout GuestCPU<Probe, Hooks>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome

  /// Gives every block it still holds back to the guest: what the strategy does when the host is done.
  mutating func giveBack<Probe: LockProbe, Sink: HintSink>(
    _ cpu: inout GuestCPU<Probe, Hooks>, _ sink: inout Sink, _ session: inout Session)

  /// The most list entries one hold may look at in this guest, for the conformance suite; nil if the strategy sets no
  /// bound but the lists' length.
  func itemsPerHoldLimit(_ guest: GuestCore) -> Int?
}

extension HintStrategy {
  public var bufferBytes: Int? { nil }

  public mutating func reset(_ guest: GuestCore) {}

  public var queueSize: Int { 1024 }

  public var isWorkRequested: Bool { false }

  public var workDelayNanoseconds: UInt64 { 0 }

  public mutating func work<Probe: LockProbe, Sink: HintSink>(
    _ cpu: inout GuestCPU<Probe, Hooks>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome { collect(&cpu, &sink, &session) }

  public func isKnownToHost(_ block: Block, _ guest: GuestCore) -> Bool { false }

  public mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {}

  public mutating func giveBack<Probe: LockProbe, Sink: HintSink>(
    _ cpu: inout GuestCPU<Probe, Hooks>, _ sink: inout Sink, _ session: inout Session
  ) {}

  public func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { nil }
}

extension HintStrategy where Hooks == NoHooks {
  public var hooks: NoHooks { NoHooks() }
}

/// How a session ended.
public enum Outcome: Sendable, Equatable {
  /// The strategy found no more.
  case complete
  /// The strategy's own cap on hints was reached.
  case limit
  /// The strategy got no memory for its hints.
  case noBuffer
  /// The host asked for the end.
  case stopped
  /// The strategy broke down.
  case error(String)

  /// As in the outcome column.
  public var name: String {
    switch self {
    case .complete: "complete"
    case .limit: "limit"
    case .noBuffer: "no-buffer"
    case .stopped: "stopped"
    case .error: "error"
    }
  }
}

/// What a session tells the strategy, and what only the strategy can tell of itself.
public struct Session {
  /// The lowest order to look at.
  public let lowestOrder: Int
  /// The modelled node whose memory it is about; nil: the whole guest's.
  public let node: Int?
  public let stop: StopFlag
  /// Walks begun again because the place to go on from was lost, or the buffer ran out.
  public var restarts = 0
  /// Time spent getting and giving back memory for hints, in clock ticks.
  public var bufferAllocTicks: UInt64 = 0
  public var bufferFreeTicks: UInt64 = 0

  public init(lowestOrder: Int, stop: StopFlag, node: Int? = nil) {
    self.lowestOrder = lowestOrder
    self.stop = stop
    self.node = node
  }

  /// The zones to look at, by index: a node's lie together. Complexity: O(zones).
  @inline(__always)
  func zones(_ core: GuestCore) -> Range<Int> {
    guard let node else { return 0..<core.zoneCount }
    var first = 0
    while first < core.zoneCount && core.zone(first).node != node { first &+= 1 }
    var end = first
    while end < core.zoneCount && core.zone(end).node == node { end &+= 1 }
    return first..<end
  }
}
