import Delivery
import GuestMemory
import Instruments
import Records

/// A strategy for finding free memory and reporting it to the host.
///
/// A strategy is a struct in its own file that conforms to ``StrategyPasses``, and a line in ``Strategies``. It gets a
/// guest CPU, a sink, and a session with the stop flag and a clock; nothing else. ``collect(_:_:_:)`` is compiled for
/// each probe and sink, so that nothing between lock and unlock calls dynamically, allocates or counts references.
///
/// A strategy that reacts to frees declares this on its card, has its own ``Hooks``, and does its work in
/// ``work(_:_:_:)``.
public protocol HintStrategy: Sendable {
  /// The strategy's hooks in the allocator; ``NoHooks`` for most.
  associatedtype Hooks: AllocatorHooks

  static var card: StrategyCard { get }

  /// What it does in the allocator: it is compiled for each kernel that does that in its own way. ``AllocatorUse/allocates``
  /// unless it says less.
  static var allocatorUse: AllocatorUse { get }

  /// - Parameter options: a checked value for each of the card's options.
  init(_ options: OptionValues)

  /// Prepares the strategy before a session, as the driver does at probe; never timed. Buffers come from the arena it
  /// creates.
  ///
  /// - Throws: ``GuestError`` if the host has no room for the buffers.
  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError)

  /// What memory reclaim may take back from the strategy; nil if it has no shrinker. Only after
  /// ``prepare(_:lowestOrder:)``.
  var shrinker: Shrinker? { get }

  /// The number of entries of the strategy's virtqueue: a power of two. The default is 1024, as in QEMU's queue for
  /// free-page hints.
  var queueSize: Int { get }

  /// The hooks that every CPU of the guest runs. Only after ``prepare(_:lowestOrder:)``.
  var hooks: Hooks { get }

  /// Rebuilds the hooks' state after the guest was restored to its starting state. Called before each session, never
  /// timed; no thread runs in the guest.
  mutating func reset(_ guest: GuestCore)

  /// Whether a hook has requested ``work(_:_:_:)``, or the last run asked for another. May be read at any time without
  /// a lock.
  var isWorkRequested: Bool { get }

  /// The delay from a request to the work. Nanoseconds.
  var workDelayNanoseconds: UInt64 { get }

  /// Runs once the work a hook requested. Reported blocks are back on the lists when it returns.
  mutating func work<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome

  /// Whether the host still knows of `block`, which the strategy reported: false once the guest has used it. Read
  /// without a lock, so it may be out of date.
  func isKnownToHost(_ block: Block, _ guest: GuestCore) -> Bool

  /// The size of the buffers at a session's start, once prepared; nil if the strategy has none. Bytes.
  var bufferBytes: Int? { get }

  /// Runs one session: finds free blocks and passes them to `sink`. Held blocks stay held. A strategy that reacts to
  /// frees repeats its work without delay until none is requested.
  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome

  /// Gives all held blocks back to the guest, as the strategy does when the host is done.
  mutating func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session)

  /// The strategy's cap on list entries per hold in this guest, for the conformance suite; nil if only the lists'
  /// length bounds a hold.
  func itemsPerHoldLimit(_ guest: GuestCore) -> Int?
}

extension HintStrategy {
  @inlinable public static var allocatorUse: AllocatorUse { .allocates }

  /// The kernel whose rules it is compiled for, to run in a guest of `kernel`.
  @inline(__always)
  static func compiled(for kernel: KernelVersion) -> KernelVersion {
    switch allocatorUse {
    case .readsLists: .linux61
    case .takesBlocks: kernel.lists
    case .allocates: kernel
    }
  }

  public var bufferBytes: Int? { nil }

  public var shrinker: Shrinker? { nil }

  public mutating func reset(_ guest: GuestCore) {}

  public var queueSize: Int { 1024 }

  public var isWorkRequested: Bool { false }

  public var workDelayNanoseconds: UInt64 { 0 }

  public mutating func work<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome { collect(&cpu, &sink, &session) }

  public func isKnownToHost(_ block: Block, _ guest: GuestCore) -> Bool { false }

  public mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {}

  public mutating func giveBack<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) {}

  public func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { nil }
}

extension HintStrategy where Hooks == NoHooks {
  public var hooks: NoHooks { NoHooks() }
}

/// How much of the allocator a strategy uses.
public enum AllocatorUse: Sendable {
  /// It only reads lists, which are the same in every kernel.
  case readsLists
  /// It takes blocks off lists and puts them back, with zone->lock held.
  case takesBlocks
  /// It allocates or frees, through per-CPU lists and watermarks.
  case allocates
}

/// How a session ended.
public enum Outcome: Sendable, Equatable {
  /// The strategy found no more blocks.
  case complete
  /// The strategy's own cap on hints was reached.
  case limit
  /// The strategy got no memory for its hints.
  case noBuffer
  /// The host stopped the session.
  case stopped
  /// The strategy failed.
  case error(String)

  /// The name in the outcome column.
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

/// The parameters of a session, and the figures that only the strategy can provide.
public struct Session {
  /// The lowest order to collect.
  public let lowestOrder: Int
  /// The modelled node to collect from; nil: the whole guest.
  public let node: Int?
  public let stop: StopFlag
  /// Walks restarted because the saved position was lost or the buffer was full.
  public var restarts = 0
  /// Time spent on allocating and freeing memory for hints. Clock ticks.
  public var bufferAllocTicks: UInt64 = 0
  public var bufferFreeTicks: UInt64 = 0

  public init(lowestOrder: Int, stop: StopFlag, node: Int? = nil) {
    self.lowestOrder = lowestOrder
    self.stop = stop
    self.node = node
  }

  /// The indices of the zones to collect from; a node's zones are contiguous. Complexity: O(zones).
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
