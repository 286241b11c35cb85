import Instruments

/// Remembers each hold of a zone lock: whose it was, and how many entries were looked at.
struct CountingProbe: LockProbe {
  struct Hold: Equatable {
    var zone: Int
    var items: Int
  }

  var holds: [Hold] = []
  private var isHeld = false

  mutating func willAcquire() { precondition(!isHeld, "zone locks don't nest") }
  mutating func didAcquire() { isHeld = true }
  mutating func willRelease() { precondition(isHeld) }
  mutating func didRelease(zone: Int, items: Int) {
    isHeld = false
    holds.append(Hold(zone: zone, items: items))
  }

  /// The holds since the last call.
  mutating func takeHolds() -> [Hold] {
    defer { holds = [] }
    return holds
  }
}
