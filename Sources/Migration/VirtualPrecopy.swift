import GuestMemory

/// A pre-copy migration by a clock that advances from unit to unit: the rounds of ``Precopy``, with hints applied
/// between the start and the stop of a session. All times are measured elsewhere or given, see ``Costs``.
public struct VirtualPrecopy {
  /// The time of every step. Nanoseconds.
  public struct Costs: Sendable, Equatable {
    /// The most bytes a second that leave the host.
    public var bandwidth: Double
    /// Checking a page that is zero.
    public var zeroCheck: Double
    /// Reading a page and writing it to the socket.
    public var send: Double
    /// A sync of the dirty log, per unit of the guest.
    public var syncPerUnit: Double
    /// The longest the guest may stand still.
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

  /// The hints of one session, in order of arrival.
  public struct Session {
    public var blocks: [Block]
    /// The time between hints. Nanoseconds.
    public var nanosecondsPerHint: Double

    public init(blocks: [Block], nanosecondsPerHint: Double) {
      self.blocks = blocks
      self.nanosecondsPerHint = nanosecondsPerHint
    }
  }

  private let image: GuestImage
  private let costs: Costs
  private let roundLimit: Int
  private let collect: () -> Session?
  private let advance: (Double) -> Void

  public private(set) var now = 0.0
  private var bitmap: MigrationBitmap
  private var host = FreePageHintHost()
  private var session: Session?
  private var sessionBegan = 0.0
  private var nextHint = 0
  private var cursor = 0
  private var guestStands = false
  private var result = PrecopyResult()

  /// - Parameters:
  ///   - roundLimit: the number of syncs after which the guest is stopped in any case.
  ///   - collect: the guest's hints in a session that begins now; nil if it has no such strategy.
  ///   - advance: lets the guest's users act until this time after the setup. Nanoseconds.
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
  /// - Throws: ``PageVersions/Loss`` if a page in use differs at the destination.
  public mutating func run() throws(PageVersions.Loss) -> PrecopyResult {
    result.course = Precopy(downtimeLimit: costs.downtimeLimit, roundLimit: roundLimit).run(&self)
    if let loss = image.firstLoss { throw loss }
    result.unitsCompared = image.unitsInUse
    return result
  }
}

extension VirtualPrecopy: PrecopyWorld {
  public typealias Failure = Never

  public var bytesLeft: Double { Double(bitmap.count) * Precopy.pageBytes * Double(1 << image.unitOrder) }

  public mutating func sync() {
    endSession()
    now += costs.syncPerUnit * Double(image.units)
    image.sync(into: &bitmap)
  }

  public mutating func beginSession() {
    host.begin()
    session = collect()
    guard session != nil else { return }
    host.command(host.id)
    sessionBegan = now
    nextHint = 0
  }

  private mutating func endSession() {
    host.stop()
    if let session {
      result.hintsLate += session.blocks.count - nextHint
      result.sessionNs += min(Double(session.blocks.count) * session.nanosecondsPerHint, now - sessionBegan)
    }
    session = nil
  }

  private mutating func applyHints() {
    guard let session, host.isAccepting else { return }
    while nextHint < session.blocks.count,
      sessionBegan + Double(nextHint + 1) * session.nanosecondsPerHint <= now
    {
      result.pagesSkipped += bitmap.clear(session.blocks[nextHint]) << image.unitOrder
      result.hints += 1
      nextHint += 1
    }
    if nextHint == session.blocks.count { host.command(FreePageHintHost.stopID) }
  }

  /// Sends one unit. Its bit is cleared before it is read, so that concurrent writes are recorded.
  public mutating func send() -> Double {
    guard let unit = bitmap.next(from: cursor) ?? bitmap.next(from: 0) else { return 0 }
    cursor = unit + 1
    bitmap.clear(unit..<unit + 1)
    let filled = image.filledPages(unit)
    let zero = (1 << image.unitOrder) - filled
    let bytes =
      Double(filled) * (Precopy.pageBytes + Precopy.headerBytes) + Double(zero) * Precopy.zeroPageBytes
    let work = Double(filled) * costs.send + Double(zero) * costs.zeroCheck
    now += max(work, bytes / costs.bandwidth * 1e9)
    image.copy(unit)
    result.pagesSent += filled
    result.pagesZero += zero
    if !guestStands {
      advance(now)
      applyHints()
    }
    return bytes
  }

  public mutating func stopGuest() {
    guestStands = true
    cursor = 0
  }

  public mutating func finish() { host.finish() }
}
