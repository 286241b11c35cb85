/// One acquisition of a zone lock, as written by ``HoldProbe``. Times in ticks of ``CycleClock``.
public struct HoldSample: Equatable, Sendable {
  /// From before the first try to after the acquisition: the wait, and the cost of acquiring where there was none.
  public var waitTicks: UInt64
  /// From after acquiring to before releasing; the cost of the clock included.
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

/// What a hold was for.
public enum HoldPhase: UInt16, CaseIterable, Codable, Sendable {
  /// A strategy finding or taking blocks.
  case collect = 0
  /// A strategy giving blocks back.
  case `return` = 1
  /// A bystander allocating or freeing.
  case mutator = 2

  /// The word for it in `lock_holds.csv`.
  public var name: String {
    switch self {
    case .collect: "collect"
    case .return: "return"
    case .mutator: "mutator"
    }
  }
}
