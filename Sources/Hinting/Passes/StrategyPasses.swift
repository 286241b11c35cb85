import Delivery
import GuestMemory
import Instruments
import Records

/// What a ``StrategyRunner`` does with its strategy. The bodies are the same for all, and compiled for each.
///
/// A protocol, because a witness is compiled for the type that conforms. A generic class has one table of methods for
/// all its types, and what is called through it isn't compiled for any.
protocol StrategyPasses: HintStrategy {
  /// The type that runs with these options: this one, unless an option changes what is compiled.
  static func form(_ options: OptionValues) -> any StrategyPasses.Type

  /// See ``StrategyRunner/speedPass(_:_:bracket:)``.
  mutating func speedPass(
    _ place: StrategyRunner.VirtualCPU, _ startSession: Session, _ queue: HintQueue, _ bracket: StrategyRunner.Bracket?
  ) -> SpeedPass

  /// See ``StrategyRunner/probedPass(_:_:_:_:atEnd:)``.
  mutating func probedPass(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ startSession: Session, _ log: HintLog,
    _ queue: HintQueue, _ atEnd: () -> Void
  ) -> ProbedPass

  /// See ``StrategyRunner/deliver(_:_:_:)``.
  mutating func deliver(
    _ place: StrategyRunner.VirtualCPU, _ startSession: Session, _ sink: inout DeliverySink
  ) -> DeliveryPass

  /// ``HintStrategy/work(_:_:_:)`` on that CPU, with the probe.
  mutating func probedWork(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink
  ) -> Outcome

  /// ``HintStrategy/giveBack(_:_:_:)`` on that CPU, with the probe.
  mutating func probedGiveBack(
    _ place: StrategyRunner.VirtualCPU, _ probe: HoldProbe, _ session: inout Session, _ sink: inout RecordingSink)

  /// See ``StrategyRunner/forward(_:_:to:)``.
  mutating func forwarded(
    _ place: StrategyRunner.VirtualCPU, _ session: Session, _ receiver: any HintReceiver
  ) -> Outcome

  /// See ``StrategyRunner/giveBack(_:_:to:)``.
  mutating func forwardedGiveBack(
    _ place: StrategyRunner.VirtualCPU, _ session: Session, _ receiver: any HintReceiver)

  /// A mutator on a guest with the strategy's hooks; probed where there is a log.
  ///
  /// - Throws: ``GuestError`` if the host refuses the address space.
  func mutator(_ guest: Guest, _ settings: MutatorSettings, _ log: HoldLog?) throws(GuestError) -> AnyMutator

  /// See ``StrategyRunner/rangeAllocator(_:cpu:)``.
  func rangeAllocator(_ guest: Guest, cpu: Int) -> AnyRangeAllocator

  /// See ``StrategyRunner/allocator(_:cpu:)``.
  func allocator(_ guest: Guest, cpu: Int) -> AnyAllocator

  /// See ``StrategyRunner/allocationLoop(_:cpu:)``.
  func allocationLoop(_ guest: Guest, cpu: Int) -> AllocationLoop
}

extension StrategyPasses {
  static func form(_ options: OptionValues) -> any StrategyPasses.Type { Self.self }
}
