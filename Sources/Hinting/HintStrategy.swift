import Delivery
import GuestMemory
import Instruments

/// One design for finding free memory and telling the host of it.
///
/// A strategy is a struct in a file of its own and one line in ``Strategies``. It sees a guest CPU, a sink, and a
/// session with the stop flag and a clock; nothing else. ``collect(_:_:_:)`` is compiled for each probe and sink, so
/// that between lock and unlock there is no dynamic call, no allocation and no reference counting.
public protocol HintStrategy: Sendable {
  static var card: StrategyCard { get }

  /// - Parameter options: one value for each of the card's options, checked.
  init(_ options: StrategyOptions)

  /// Done once before a session and never timed: what the driver does when it is probed. Buffers come from the arena it
  /// makes.
  ///
  /// - Throws: ``GuestError`` where the host has no room for the buffers.
  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError)

  /// Bytes of its buffers at a session's start, once prepared; nil where it has none.
  var bufferBytes: Int? { get }

  /// One session: finds what is free and hands it to `sink`. Blocks it holds stay held.
  mutating func collect<Probe: LockProbe, Sink: HintSink>(
    _ cpu: inout GuestCPU<Probe>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome

  /// Gives every block it still holds back to the guest: what the design does when the host is done.
  mutating func giveBack<Probe: LockProbe, Sink: HintSink>(
    _ cpu: inout GuestCPU<Probe>, _ sink: inout Sink, _ session: inout Session)

  /// The most list entries one hold may look at in this guest, for the conformance suite; nil where the design sets no
  /// bound but the lists' length.
  func itemsPerHoldLimit(_ guest: GuestCore) -> Int?
}

extension HintStrategy {
  public var bufferBytes: Int? { nil }

  public mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {}

  public mutating func giveBack<Probe: LockProbe, Sink: HintSink>(
    _ cpu: inout GuestCPU<Probe>, _ sink: inout Sink, _ session: inout Session
  ) {}

  public func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { nil }
}

/// How a session ended.
public enum Outcome: Sendable, Equatable {
  /// The design found no more.
  case complete
  /// The design's own cap on hints was reached.
  case limit
  /// The design got no memory for its hints.
  case noBuffer
  /// The host asked for the end.
  case stopped
  /// The design broke down.
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
  public let stop: StopFlag
  /// Walks begun again because the place to go on from was lost, or the buffer ran out.
  public var restarts = 0
  /// Time spent getting and giving back memory for hints, in clock ticks.
  public var bufferAllocTicks: UInt64 = 0
  public var bufferFreeTicks: UInt64 = 0

  public init(lowestOrder: Int, stop: StopFlag) {
    self.lowestOrder = lowestOrder
    self.stop = stop
  }
}
