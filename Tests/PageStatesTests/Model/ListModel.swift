@testable import PageStates

/// One sequence count and one list of discarded pages.
struct ListModel: ModelMemory {
  var sequence: UInt64 = 0
  var listed: [Int] = []
  var isLocked = false
  var violations: [String] = []

  var outside: [ListModel] { [] }
  func faults() -> [String] { [] }
  func faultsAtEnd() -> [String] {
    listed.isEmpty && sequence & 1 == 0 && !isLocked ? [] : ["at the end: sequence \(sequence), \(listed) listed"]
  }

  mutating func accuse(_ text: String) { if violations.isEmpty { violations = [text] } }
}

/// ``DiscardSteps`` on it.
struct ListModelSteps: DiscardSteps {
  var replay: Replay<ListModel>
  /// Without the list's lock: the proposal, with the unlock that its critic asks about.
  var locks = true

  mutating func sequence() throws(Interruption) -> UInt64 {
    UInt64(try replay.step { UInt8(truncatingIfNeeded: $0.sequence) })
  }

  mutating func bump() throws(Interruption) {
    _ = try replay.step {
      $0.sequence += 1
      return 0
    }
  }

  mutating func insert(_ page: Int) throws(Interruption) {
    _ = try replay.step {
      $0.listed.append(page)
      return 0
    }
  }

  mutating func remove(_ page: Int) throws(Interruption) {
    _ = try replay.step { model in
      model.listed.removeAll { $0 == page }
      return 0
    }
  }

  mutating func isEmpty() throws(Interruption) -> Bool { try replay.step { $0.listed.isEmpty ? 1 : 0 } != 0 }

  mutating func contains(_ page: Int) throws(Interruption) -> Bool {
    try replay.step { $0.listed.contains(page) ? 1 : 0 } != 0
  }

  mutating func lockList() throws(Interruption) {
    guard locks else { return }
    _ = try replay.step {
      if $0.isLocked { return nil }
      $0.isLocked = true
      return 0
    }
  }

  mutating func unlockList() throws(Interruption) {
    guard locks else { return }
    _ = try replay.step {
      $0.isLocked = false
      return 0
    }
  }
}
