import GuestMemory
import Instruments
import Machine

/// A pre-copy migration by the machine's own clock: the rounds of ``Precopy`` over real memory, a dirty log that the
/// kernel keeps, and bytes that go to a second process.
///
/// At the switch-over every page in use is compared with the destination's by content; bitmap and log aren't asked.
public struct RealPrecopy<Log: DirtyLog> {
  /// The guest, as far as it takes part.
  public struct GuestControl {
    /// The guest is asked for the hints of a session with this id; they go to the bitmap, from any thread.
    public var beginSession: (UInt32) -> Void = { _ in }
    /// Returns when no more of them come.
    public var endSession: () -> Void = {}
    /// Called after each batch of pages until the guest stands still: for users that have no thread of their own.
    public var act: () -> Void = {}
    /// Stops its users; none writes after it returns.
    public var stop: () -> Void = {}
    /// Pages that are in use. The guest stands still.
    public var pagesInUse: () -> MigrationBitmap

    public init(pagesInUse: @escaping () -> MigrationBitmap) { self.pagesInUse = pagesInUse }
  }

  /// What passes the time. Nanoseconds.
  public struct Time {
    public var now: () -> Double
    public var sleep: (Double) -> Void

    public init(now: @escaping () -> Double, sleep: @escaping (Double) -> Void) {
      self.now = now
      self.sleep = sleep
    }

    /// The machine's own.
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
  /// What each sync took. Nanoseconds.
  public private(set) var syncs: [Double] = []

  /// - Parameters:
  ///   - bitmap: what has to be sent in the first round; the guest's hints go there.
  ///   - bandwidth: bytes a second that may be sent.
  ///   - seed: of the hashes that the oracle compares.
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

  /// Migrates, and compares.
  ///
  /// - Throws: ``MigrationError``: a page that is in use isn't at the destination as it is here; the destination is
  ///   gone; the kernel refused the log.
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

  /// Every page in use, here and there; how many.
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

  /// A batch: its bits are cleared before anything of it is read, so that what is written meanwhile is noted.
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
