/// The state that a ``HoldLog`` shares with all copies of its ``HoldProbe``, at the start of the log's mapping.
@usableFromInline
struct HoldLogHeader {
  @usableFromInline var count: Int
  @usableFromInline var capacity: Int
  @usableFromInline var phase: UInt8
  /// The current acquisition.
  @usableFromInline var waitBegin: UInt64
  @usableFromInline var holdBegin: UInt64
  @usableFromInline var holdEnd: UInt64
  /// Acquisitions without a sample, by phase.
  @usableFromInline var droppedCollect: Int
  @usableFromInline var droppedReturn: Int
  @usableFromInline var droppedMutator: Int

  init(capacity: Int, phase: HoldPhase) {
    self.count = 0
    self.capacity = capacity
    self.phase = phase.rawValue
    self.waitBegin = 0
    self.holdBegin = 0
    self.holdEnd = 0
    self.droppedCollect = 0
    self.droppedReturn = 0
    self.droppedMutator = 0
  }

  func dropped(_ phase: HoldPhase) -> Int {
    switch phase {
    case .collect: droppedCollect
    case .return: droppedReturn
    case .mutator: droppedMutator
    }
  }
}
