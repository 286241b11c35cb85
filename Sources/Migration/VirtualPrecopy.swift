import GuestMemory

/// A pre-copy migration by a clock that is moved on from unit to unit: rounds over the migration bitmap, the dirty log
/// synced between them, hints applied between the start and the stop of a session. What takes how long is measured
/// elsewhere, or given, and stands in ``Costs``.
///
/// QEMU 7.2: ram_save_setup(), ram_save_iterate(), migration_iteration_run(), migration_completion(); the limit on what may
/// be left for the switch-over follows the bandwidth of the last 100 ms (migration_update_counters()).
public struct VirtualPrecopy {
  /// What every step takes. Nanoseconds.
  public struct Costs: Sendable, Equatable {
    /// Bytes a second that leave the host at most.
    public var bandwidth: Double
    /// Looking at a page that is zero.
    public var zeroCheck: Double
    /// Reading a page and handing it to the socket.
    public var send: Double
    /// A sync of the dirty log, for each unit of the guest.
    public var syncPerUnit: Double
    /// How long the guest may stand still.
    public var downtimeLimit: Double

    public init(
      bandwidth: Double, zeroCheck: Double, send: Double, syncPerUnit: Double, downtimeLimit: Double
    ) {
      self.bandwidth = bandwidth
      self.zeroCheck = zeroCheck
      self.send = send
      self.syncPerUnit = syncPerUnit
      self.downtimeLimit = downtimeLimit
    }
  }

  /// The hints of one session, in the order in which they arrive.
  public struct Session {
    public var blocks: [Block]
    /// From one hint to the next. Nanoseconds.
    public var nanosecondsPerHint: Double

    public init(blocks: [Block], nanosecondsPerHint: Double) {
      self.blocks = blocks
      self.nanosecondsPerHint = nanosecondsPerHint
    }
  }

  /// What it came to.
  public struct Result: Sendable, Equatable {
    /// From the setup to the end of the switch-over. Nanoseconds.
    public var total = 0.0
    /// How long the guest stood still. Nanoseconds.
    public var downtime = 0.0
    public var bytesSent = 0.0
    public var pagesSent = 0
    /// Pages of which only that they are zero was sent.
    public var pagesZero = 0
    /// Pages whose bit a hint cleared.
    public var pagesSkipped = 0
    /// Syncs, that of the setup and that of the switch-over included.
    public var rounds = 0
    public var hints = 0
    /// Hints that came after their session had been stopped: not applied.
    public var hintsLate = 0
    /// Whether little enough was left at some time. Otherwise the guest was stopped with too much left.
    public var hasConverged = false
  }

  private let image: GuestImage
  private let costs: Costs
  private let roundLimit: Int
  private let collect: () -> Session?
  private let advance: (Double) -> Void

  private var now = 0.0
  private var bitmap: MigrationBitmap
  private var host = FreePageHintHost()
  private var session: Session?
  private var sessionBegan = 0.0
  private var nextHint = 0
  private var result = Result()
  /// Of the 100 ms by which the bandwidth is known.
  private var windowBegan = 0.0
  private var windowBytes = 0.0
  private var threshold = 0.0

  private static let window = 100e6
  private static let pageBytes = 4096.0
  /// A page's address and flags, and for a zero page one byte more (QEMU's stream).
  private static let headerBytes = 8.0
  private static let zeroPageBytes = 9.0

  /// - Parameters:
  ///   - roundLimit: syncs after which the guest is stopped whatever is left.
  ///   - collect: what the guest hints in a session that begins now; nil: it has no such design.
  ///   - advance: lets the guest's users act until so long after the setup. Nanoseconds.
  public init(
    _ image: GuestImage, _ costs: Costs, roundLimit: Int = 100, collect: @escaping () -> Session?,
    advance: @escaping (Double) -> Void
  ) {
    self.image = image
    self.costs = costs
    self.roundLimit = roundLimit
    self.collect = collect
    self.advance = advance
    bitmap = image.memory
  }

  /// Migrates.
  ///
  /// - Throws: ``PageVersions/Loss`` where a page that is in use isn't at the destination as it is here.
  public mutating func run() throws(PageVersions.Loss) -> Result {
    sync()
    beginSession()
    var unit = 0
    while true {
      if Double(bitmap.count) * unitBytes <= threshold || bitmap.count == 0 {
        // Exactly, before the guest is stopped.
        sync()
        result.hasConverged = Double(bitmap.count) * unitBytes <= threshold || bitmap.count == 0
        if result.hasConverged || result.rounds >= roundLimit { break }
        beginSession()
      }
      // Round and round, as the cursor of ram_save_iterate() goes.
      guard let next = bitmap.next(from: unit) ?? bitmap.next(from: 0) else { continue }
      send(next)
      unit = next + 1
      advance(now)
      applyHints()
      if now - windowBegan >= Self.window { noteBandwidth() }
    }
    switchOver()
    if let loss = image.firstLoss { throw loss }
    return result
  }

  private var unitBytes: Double { Self.pageBytes * Double(1 << image.unitOrder) }

  private mutating func sync() {
    // Before the log is read: a hint that came later could clear what it sets.
    endSession()
    now += costs.syncPerUnit * Double(image.units)
    image.sync(into: &bitmap)
    result.rounds += 1
  }

  private mutating func beginSession() {
    host.begin()
    session = collect()
    guard session != nil else { return }
    host.command(host.id)
    sessionBegan = now
    nextHint = 0
  }

  private mutating func endSession() {
    host.stop()
    if let session { result.hintsLate += session.blocks.count - nextHint }
    session = nil
  }

  private mutating func applyHints() {
    guard let session, host.isAccepting else { return }
    while nextHint < session.blocks.count,
      sessionBegan + Double(nextHint + 1) * session.nanosecondsPerHint <= now
    {
      result.pagesSkipped += bitmap.clear(image.units(within: session.blocks[nextHint])) << image.unitOrder
      result.hints += 1
      nextHint += 1
    }
    if nextHint == session.blocks.count { host.command(FreePageHintHost.stopID) }
  }

  /// Sends one unit: its bit is cleared before it is read, so that what is written meanwhile is noted.
  private mutating func send(_ unit: Int) {
    bitmap.clear(unit..<unit + 1)
    let filled = image.filledPages(unit)
    let zero = (1 << image.unitOrder) - filled
    let bytes = Double(filled) * (Self.pageBytes + Self.headerBytes) + Double(zero) * Self.zeroPageBytes
    let work = Double(filled) * costs.send + Double(zero) * costs.zeroCheck
    now += max(work, bytes / costs.bandwidth * 1e9)
    image.copy(unit)
    result.bytesSent += bytes
    windowBytes += bytes
    result.pagesSent += filled
    result.pagesZero += zero
  }

  private mutating func noteBandwidth() {
    threshold = windowBytes / (now - windowBegan) * costs.downtimeLimit
    (windowBegan, windowBytes) = (now, 0)
  }

  /// The guest stands still, and what is left is sent.
  private mutating func switchOver() {
    let stopped = now
    sync()
    host.finish()
    var unit = 0
    while let next = bitmap.next(from: unit) {
      send(next)
      unit = next + 1
    }
    result.downtime = now - stopped
    result.total = now
  }
}
