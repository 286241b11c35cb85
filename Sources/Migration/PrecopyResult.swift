/// What a migration came to.
public struct PrecopyResult: Sendable, Equatable {
  public var course = Precopy.Course()
  /// Pages sent with content.
  public var pagesSent = 0
  /// Pages of which only that they are zero was sent.
  public var pagesZero = 0
  /// Pages whose bit a hint cleared.
  public var pagesSkipped = 0
  public var hints = 0
  /// Hints that came after their session had been stopped: not applied.
  public var hintsLate = 0
  /// From each session's start to its last hint, or to its stop. Nanoseconds; by the virtual clock only.
  public var sessionNs = 0.0
  /// Units in use that the oracle compared at the switch-over.
  public var unitsCompared = 0

  public init() {}

  public var total: Double { course.total }
  public var downtime: Double { course.downtime }
  public var bytesSent: Double { course.bytesSent }
  public var rounds: Int { course.rounds }
  public var hasConverged: Bool { course.hasConverged }
}
