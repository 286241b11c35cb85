import GuestMemory

/// What was on the per-CPU lists at moments spread evenly over the window, its ends among them.
struct CoverageCourse {
  private(set) var points: [(elapsed: UInt64, pages: UInt64)] = []
  /// When the next point is due. Nanoseconds since the memory became free.
  private(set) var next: UInt64 = 0
  private let window: UInt64
  private let step: UInt64
  /// The number of steps, one less than of points. A minute has one a second.
  private static let steps: UInt64 = 60

  init(window: UInt64) {
    self.window = window
    step = max((window + Self.steps - 1) / Self.steps, 1)
  }

  var times: [UInt64] { points.map(\.elapsed) }

  /// Notes a point, if one is due `elapsed` nanoseconds after the memory became free.
  mutating func note(_ elapsed: UInt64, _ core: GuestCore) {
    guard elapsed >= next else { return }
    points.append((elapsed, core.perCPUPages))
    let following = (elapsed / step + 1) * step
    next = elapsed < window ? min(following, window) : following
  }
}
