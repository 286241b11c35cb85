/// Host and guest as a pre-copy migration sees them, by either clock.
public protocol PrecopyWorld {
  associatedtype Failure: Error

  /// The time since the setup. Nanoseconds.
  var now: Double { get }
  /// What must still be sent if none of it is zero. Bytes.
  var bytesLeft: Double { get }

  /// Ends the session, then reads the dirty log into what must still be sent. The order matters: a later hint could
  /// clear what the log sets.
  mutating func sync() throws(Failure)
  /// Asks the guest for hints. Only after a sync.
  mutating func beginSession() throws(Failure)
  /// Sends the next of what is left, cyclically, like the cursor of ram_save_iterate(). Returns the bytes sent.
  mutating func send() throws(Failure) -> Double
  /// Stops the guest. Sending then starts with the first unit that is left.
  mutating func stopGuest() throws(Failure)
  /// Waits until the destination has received everything. No hint is applied afterwards.
  mutating func finish() throws(Failure)
}

/// The rounds of a pre-copy migration, and the decision when to stop the guest.
///
/// QEMU 7.2: ram_save_setup(), ram_save_iterate(), migration_iteration_run(), migration_completion(). The guest is
/// stopped once the rest fits into the downtime limit at the bandwidth of the last 100 ms
/// (migration_update_counters()). Before the first 100 ms the limit is 0: a guest that is sent within that time is
/// stopped when nothing is left, and its last writes are sent while it stands still.
public struct Precopy: Sendable {
  /// The longest the guest may stand still. Nanoseconds.
  public var downtimeLimit: Double
  /// The number of syncs after which the guest is stopped in any case.
  public var roundLimit: Int

  public init(downtimeLimit: Double, roundLimit: Int = 100) {
    self.downtimeLimit = downtimeLimit
    self.roundLimit = roundLimit
  }

  /// The course of a migration.
  public struct Course: Sendable, Equatable {
    /// From the setup to the end of the switch-over. Nanoseconds.
    public var total = 0.0
    /// How long the guest stood still. Nanoseconds.
    public var downtime = 0.0
    public var bytesSent = 0.0
    /// The number of syncs, including those of the setup and the switch-over.
    public var rounds = 0
    /// Whether the rest became small enough at some time. Otherwise the guest was stopped with too much left.
    public var hasConverged = false
  }

  /// The size of a page. Bytes.
  public static let pageBytes = 4096.0
  /// The size of a page's address and flags; a zero page has one byte more (QEMU's stream).
  public static let headerBytes = 8.0
  public static let zeroPageBytes = 9.0

  private static let window = 100e6
  /// How long ram_save_iterate() sends before it checks what is left. Nanoseconds.
  private static let slice = 50e6

  /// Migrates.
  ///
  /// - Throws: the world's errors.
  public func run<World: PrecopyWorld>(_ world: inout World) throws(World.Failure) -> Course {
    var course = Course()
    // Of the 100 ms by which the bandwidth is known.
    var (windowBegan, windowBytes, threshold) = (0.0, 0.0, 0.0)
    try world.sync()
    course.rounds += 1
    try world.beginSession()
    while true {
      // ram_save_pending(): exact when the guest could be stopped.
      let isLittle = world.bytesLeft < threshold
      if isLittle {
        try world.sync()
        course.rounds += 1
      }
      let left = world.bytesLeft
      course.hasConverged = left == 0 || left < threshold
      if course.hasConverged || isLittle && course.rounds >= roundLimit { break }
      if isLittle { try world.beginSession() }
      let began = world.now
      repeat {
        let sent = try world.send()
        course.bytesSent += sent
        windowBytes += sent
        let now = world.now
        if now - windowBegan >= Self.window {
          threshold = windowBytes / (now - windowBegan) * downtimeLimit
          (windowBegan, windowBytes) = (now, 0)
        }
      } while world.bytesLeft > 0 && world.now - began < Self.slice
    }
    let stopped = world.now
    try world.stopGuest()
    try world.sync()
    course.rounds += 1
    while world.bytesLeft > 0 { course.bytesSent += try world.send() }
    try world.finish()
    course.total = world.now
    course.downtime = course.total - stopped
    return course
  }
}

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
