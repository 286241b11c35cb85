/// The result of a migration.
public struct PrecopyResult: Sendable, Equatable {
  public var course = Precopy.Course()
  /// Pages sent with content.
  public var pagesSent = 0
  /// Pages sent as zero, without content.
  public var pagesZero = 0
  /// Pages whose bit was cleared by a hint.
  public var pagesSkipped = 0
  public var hints = 0
  /// Hints that came after their session had been stopped, and weren't applied.
  public var hintsLate = 0
  /// The total time of the sessions, each from its start to its last hint, or to its stop. Nanoseconds; only by the
  /// virtual clock.
  public var sessionNs = 0.0
  /// Units in use that the oracle compared at switch-over.
  public var unitsCompared = 0

  public init() {}

  public var total: Double { course.total }
  public var downtime: Double { course.downtime }
  public var bytesSent: Double { course.bytesSent }
  public var rounds: Int { course.rounds }
  public var hasConverged: Bool { course.hasConverged }
}
