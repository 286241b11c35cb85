/// One acquisition of a zone lock, as recorded by ``HoldProbe``. Times in ticks of ``CycleClock``.
public struct HoldSample: Equatable, Sendable {
  /// From before the first try to after the acquisition: the wait, or without contention the cost of acquiring.
  public var waitTicks: UInt64
  /// From after acquiring to before releasing, the clock's cost included.
  public var holdTicks: UInt64
  /// List entries looked at, emitted or skipped.
  public var items: UInt32
  /// Raw value of a ``HoldPhase``.
  public var phase: UInt8
  /// Raw value of a ``HoldPreemption``.
  public var preemption: UInt8
  /// The zone's index in the guest.
  public var zone: UInt16

  @inlinable
  public init(
    waitTicks: UInt64, holdTicks: UInt64, items: UInt32, phase: UInt8, preemption: UInt8 = 0, zone: UInt16
  ) {
    self.waitTicks = waitTicks
    self.holdTicks = holdTicks
    self.items = items
    self.phase = phase
    self.preemption = preemption
    self.zone = zone
  }
}

/// Whether the kernel took the thread off its CPU, moved it or gave it a signal during a hold: evidence that the hold's
/// length isn't the strategy's alone. From the thread's rseq area (CHost, preemption.h).
public enum HoldPreemption: UInt8, Sendable {
  /// The host can't tell: no rseq area (glibc before 2.35, valgrind).
  case unknown = 0
  case none = 1
  case happened = 2
}

/// The purpose of a hold.
public enum HoldPhase: UInt8, CaseIterable, Codable, Sendable {
  /// A strategy finds or takes blocks.
  case collect = 0
  /// A strategy gives blocks back.
  case `return` = 1
  /// A bystander allocates or frees.
  case mutator = 2

  /// The name in `lock_holds.csv`.
  public var name: String {
    switch self {
    case .collect: "collect"
    case .return: "return"
    case .mutator: "mutator"
    }
  }
}
