/// A host and a guest as a pre-copy migration sees them, by whatever clock.
public protocol PrecopyWorld {
  associatedtype Failure: Error

  /// Since the setup. Nanoseconds.
  var now: Double { get }
  /// What has still to be sent, if all of it had content. Bytes.
  var bytesLeft: Double { get }

  /// Ends the session, and only then reads the dirty log into what has still to be sent: a hint that came later could
  /// clear what the log sets.
  mutating func sync() throws(Failure)
  /// Asks the guest for hints. Only after a sync.
  mutating func beginSession() throws(Failure)
  /// Sends the next of what is left, round and round, as the cursor of ram_save_iterate() goes; how many bytes.
  mutating func send() throws(Failure) -> Double
  /// The guest stands still from here on; the next that is sent is the first that is left.
  mutating func stopGuest() throws(Failure)
  /// Returns when the destination has everything. No hint is applied any more.
  mutating func finish() throws(Failure)
}

/// The rounds of a pre-copy migration, and when the guest is stopped.
///
/// QEMU 7.2: ram_save_setup(), ram_save_iterate(), migration_iteration_run(), migration_completion(); the limit on
/// what may be left for the switch-over follows the bandwidth of the last 100 ms (migration_update_counters()). It is
/// 0 before that: a guest that is sent within 100 ms is stopped when nothing is left, and what it has written
/// meanwhile goes out while it stands.
public struct Precopy: Sendable {
  /// How long the guest may stand still. Nanoseconds.
  public var downtimeLimit: Double
  /// Syncs after which the guest is stopped whatever is left.
  public var roundLimit: Int

  public init(downtimeLimit: Double, roundLimit: Int = 100) {
    self.downtimeLimit = downtimeLimit
    self.roundLimit = roundLimit
  }

  /// What it came to.
  public struct Course: Sendable, Equatable {
    /// From the setup to the end of the switch-over. Nanoseconds.
    public var total = 0.0
    /// How long the guest stood still. Nanoseconds.
    public var downtime = 0.0
    public var bytesSent = 0.0
    /// Syncs, that of the setup and that of the switch-over included.
    public var rounds = 0
    /// Whether little enough was left at some time. Otherwise the guest was stopped with too much left.
    public var hasConverged = false
  }

  /// A page's bytes.
  public static let pageBytes = 4096.0
  /// A page's address and flags, and for a zero page one byte more (QEMU's stream).
  public static let headerBytes = 8.0
  public static let zeroPageBytes = 9.0

  private static let window = 100e6
  /// How long ram_save_iterate() sends before what is left is looked at. Nanoseconds.
  private static let slice = 50e6

  /// Migrates.
  ///
  /// - Throws: what the world throws.
  public func run<World: PrecopyWorld>(_ world: inout World) throws(World.Failure) -> Course {
    var course = Course()
    // Of the 100 ms by which the bandwidth is known.
    var (windowBegan, windowBytes, threshold) = (0.0, 0.0, 0.0)
    try world.sync()
    course.rounds += 1
    try world.beginSession()
    while true {
      // ram_save_pending(): exactly, where it looks as if the guest could be stopped.
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
