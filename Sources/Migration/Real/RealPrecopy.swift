import GuestMemory
import Instruments
import Machine

/// A pre-copy migration by the machine's clock: the rounds of ``Precopy`` over real memory, with the kernel's dirty
/// log, sending to a second process.
///
/// At switch-over the content of every page in use is compared with the destination's, without consulting bitmap or
/// log.
public struct RealPrecopy<Log: DirtyLog> {
  /// The guest's part in the migration.
  public struct GuestControl {
    /// Asks the guest for the hints of a session with this id; they go to the bitmap, from any thread.
    public var beginSession: (UInt32) -> Void = { _ in }
    /// Ends the session. No hint of it arrives after this returns.
    public var endSession: () -> Void = {}
    /// Called after each batch of pages until the guest is stopped, for users without their own thread.
    public var act: () -> Void = {}
    /// Stops the guest's users. None writes after this returns.
    public var stop: () -> Void = {}
    /// The pages in use. Called while the guest stands still.
    public var pagesInUse: () -> MigrationBitmap

    public init(pagesInUse: @escaping () -> MigrationBitmap) { self.pagesInUse = pagesInUse }
  }

  /// The clock. Nanoseconds.
  public struct Time {
    public var now: () -> Double
    public var sleep: (Double) -> Void

    public init(now: @escaping () -> Double, sleep: @escaping (Double) -> Void) {
      self.now = now
      self.sleep = sleep
    }

    /// The machine's clock.
    public static var machine: Time {
      Time(
        now: { Double(MonotonicClock.nanoseconds()) },
        sleep: { MonotonicClock.sleep(nanoseconds: UInt64($0)) })
    }
  }

  private let ram: GuestRAM
  private let bitmap: HintedBitmap
  private var log: Log
  private let destination: Destination
  private let limits: Precopy
  private var bucket: TokenBucket
  private let guest: GuestControl
  private let seed: UInt64
  private let time: Time
  private var began = 0.0
  private var batch: [Int] = []
  private var guestStands = false
  private var result = PrecopyResult()
  /// The time of each sync. Nanoseconds.
  public private(set) var syncs: [Double] = []

  /// - Parameters:
  ///   - bitmap: what must be sent in the first round; the guest's hints go there.
  ///   - bandwidth: the sending rate limit. Bytes a second.
  ///   - seed: the seed of the oracle's hashes.
  public init(
    _ ram: GuestRAM, _ bitmap: HintedBitmap, _ log: Log, to destination: Destination, limits: Precopy,
    bandwidth: Double,
    seed: UInt64, time: Time = .machine, guest: GuestControl
  ) {
    self.ram = ram
    self.bitmap = bitmap
    self.log = log
    self.destination = destination
    self.limits = limits
    bucket = TokenBucket(rate: bandwidth)
    self.seed = seed
    self.time = time
    self.guest = guest
    batch.reserveCapacity(Destination.batch)
  }

  /// Migrates and compares.
  ///
  /// - Throws: ``MigrationError`` if a page in use differs at the destination, the destination fails, or the dirty log
  ///   fails.
  public mutating func run() throws(MigrationError) -> PrecopyResult {
    began = time.now()
    do throws(SystemCallError) { try log.start() } catch { throw .log(error) }
    let course = try limits.run(&self)
    result.course = course
    let figures = bitmap.figures
    (result.pagesSkipped, result.hints, result.hintsLate) = (figures.skipped, figures.applied, figures.late)
    result.unitsCompared = try compare()
    return result
  }

  /// Compares every page in use with the destination's. Returns their number.
  private func compare() throws(MigrationError) -> Int {
    let used = guest.pagesInUse()
    var lost: Int?
    var page = 0
    while let first = used.next(from: page) {
      let chunk = first..<min(first + StreamFormat.mostHashes, ram.pages)
      let theirs = try destination.hashes(chunk, seed: seed)
      for (page, hash) in zip(chunk, theirs) where used[page] && lost == nil {
        if ram.hash(page, seed: seed) != hash { lost = page }
      }
      page = chunk.upperBound
    }
    if let lost { throw .lost(page: lost, of: used.count) }
    return used.count
  }
}

extension RealPrecopy: PrecopyWorld {
  public typealias Failure = MigrationError

  public var now: Double { time.now() - began }

  public var bytesLeft: Double { Double(bitmap.unitsLeft) * Precopy.pageBytes }

  public mutating func sync() throws(MigrationError) {
    bitmap.stop()
    guest.endSession()
    let before = time.now()
    do throws(SystemCallError) { try bitmap.sync(&log) } catch { throw .log(error) }
    syncs.append(time.now() - before)
  }

  public mutating func beginSession() { guest.beginSession(bitmap.begin()) }

  /// Sends a batch. Its bits are cleared before its pages are read, so that concurrent writes are recorded.
  public mutating func send() throws(MigrationError) -> Double {
    bitmap.take(Destination.batch, into: &batch)
    for page in batch {
      let isZero = ram.isZero(page)
      destination.add(page, isZero: isZero)
      if isZero { result.pagesZero += 1 } else { result.pagesSent += 1 }
    }
    let bytes = Double(destination.bytesInHand)
    let delay = bucket.delay(bytes, at: now)
    if delay > 0 { time.sleep(delay) }
    try destination.send()
    if !guestStands { guest.act() }
    return bytes
  }

  public mutating func stopGuest() {
    guest.stop()
    guestStands = true
    bitmap.rewind()
  }

  public mutating func finish() throws(MigrationError) {
    bitmap.finish()
    try destination.flush()
  }
}
