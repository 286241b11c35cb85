/// What an exploration came by.
struct ScheduleReport: Sendable {
  /// Executions from the starting state.
  var runs = 0
  /// Positions that differ (exhaustive exploration only).
  var positions = 0
  /// Interleavings that the positions stand for: paths through them, counted, not run one by one.
  var interleavings = 0.0
  /// Hashes of the guest, the mutators and the strategy at every lock boundary met, and at the ends.
  var states: Set<Int> = []
  var ends: Set<Int> = []
  /// Sections that found something to do.
  var sections = 0
  /// Holds of the strategy, and reports it waited for.
  var holds = 0
  var reports = 0
  /// What went wrong, with the schedule. The exploration ends at the first.
  var faults: [String] = []
}
