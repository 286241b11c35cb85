@testable import GuestMemory

/// Which blocks were free in which hold, so that a hint can be judged by the moment it was copied, though it is seen
/// only when its buffer is sent.
struct HintLedger {
  private struct Hold {
    let free: Set<Block>
    /// What the strategy has reported last: it may put it back and take it again in one hold.
    let own: [Block]
    var items: Int
  }

  private var holds: [Hold] = []
  /// What was free when a strategy that takes no lock last let others act.
  private var looked: PageRuns?

  mutating func didLook(free: [Block]) { looked = PageRuns(free) }

  mutating func didAcquire(free: Set<Block>, own: [Block]) { holds.append(Hold(free: free, own: own, items: 0)) }
  mutating func didRelease(items: Int) { holds[holds.count - 1].items = items }

  /// Hints that went into the queue under the lock.
  func isFreeInHold(_ block: Block) -> Bool { holds.last?.free.contains(block) ?? false }

  /// Blocks that are now held: each was free at the beginning of a hold since the last report, or made of what was free
  /// and what the strategy gave back in that hold.
  mutating func faultsOfReport(_ blocks: [Block]) -> [String] {
    defer { holds = [] }
    func isFree(_ block: Block, in hold: Hold) -> Bool {
      hold.free.contains(block) || !hold.own.isEmpty && PageRuns(hold.free + hold.own).contains(block)
    }
    return blocks.filter { block in !holds.contains { isFree(block, in: $0) } }
      .map { "\($0) is reported and was free in no hold since the last report" }
  }

  /// A buffer: its hints, in order, are shared out over the holds since the last one, each to the first that may have
  /// copied it. If any sharing out fits, this one does.
  mutating func faultsOfSend(_ blocks: [Block]) -> [String] {
    defer { holds = [] }
    if let looked {
      return blocks.filter { !looked.contains($0) }.map {
        "\($0) is sent and wasn't free when it could have been copied"
      }
    }
    var hold = 0
    var copied = 0
    for block in blocks {
      while hold < holds.count && (copied == holds[hold].items || !holds[hold].free.contains(block)) {
        hold += 1
        copied = 0
      }
      if hold == holds.count { return ["\(block) is sent and wasn't free when it could have been copied"] }
      copied += 1
    }
    return []
  }
}
