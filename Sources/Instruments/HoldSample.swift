/// One acquisition of a zone lock, as recorded by ``HoldProbe``. Times in ticks of ``CycleClock``.
public struct HoldSample: Equatable, Sendable {
  /// From before the first try to after the acquisition: the wait, or without contention the cost of acquiring.
  public var waitTicks: UInt64
  /// From after acquiring to before releasing, the clock's cost included.
  public var holdTicks: UInt64
  /// List entries looked at, emitted or skipped.
  public var items: UInt32
  /// Raw value of a ``HoldPhase``.
  public var phase: UInt16
  /// The zone's index in the guest.
  public var zone: UInt16

  @inlinable
  public init(waitTicks: UInt64, holdTicks: UInt64, items: UInt32, phase: UInt16, zone: UInt16) {
    self.waitTicks = waitTicks
    self.holdTicks = holdTicks
    self.items = items
    self.phase = phase
    self.zone = zone
  }
}

/// The purpose of a hold.
public enum HoldPhase: UInt16, CaseIterable, Codable, Sendable {
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
