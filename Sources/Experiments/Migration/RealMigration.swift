import Bench
import Delivery
import GuestMemory
import Hinting
import Instruments
import Migration
import Records

/// A repetition of a migration by the real clock: the guest's memory is a mapping of this process, its dirty log is the
/// kernel's, and its bytes go to a second process.
///
/// Used memory is written beforehand. Free memory is too, with what its last users left, unless it is untouched since
/// boot. The modelled allocator decides who owns which page; the owner writes the bytes.
struct RealMigration {
  private let repetition: Repetition
  private let bench: Bench

  init(_ repetition: Repetition, _ bench: Bench) {
    self.repetition = repetition
    self.bench = bench
  }

  /// Runs the repetition.
  ///
  /// - Throws: ``SystemCallError`` or ``GuestError`` if the host runs out of memory or has no dirty log.
  func run() throws -> RepetitionResult {
    let cell = repetition.cell
    let guest = repetition.guest
    var run = repetition.record
    var record = MigrationRecord(cell.options)

    bench.restart(repetition)
    bench.holdLog.reset()
    let ram = try GuestRAM(pages: Int(guest.core.zones.map(\.endPFN).max() ?? 0))
    let (memory, used) = fill(ram)
    let bitmap = HintedBitmap(memory)
    let session = RealMigrationSession(repetition, bench, ram, bitmap)
    let seats = (bench.placement?.others ?? []).prefix(cell.load == .none ? 0 : cell.mutators)
    let users = seats.enumerated().map { number, seat in
      RealMigrationUser(
        guest, ram, cell.load, number: number, cpu: seat.guestCPU, hostCPUs: seat.hostCPU.map { [$0] } ?? [],
        rate: MigrationExperiment.rate(cell), most: Int(guest.core.freePages) / 4 / max(seats.count, 1),
        seed: bench.mutatorSeed(repetition))
    }
    let log = try WriteProtectLog(ram)

    var control = RealPrecopy<WriteProtectLog>.GuestControl {
      var used = used
      for block in users.flatMap(\.held) { used.set(Int(block.pfn)..<Int(block.end)) }
      return used
    }
    if cell.strategy.card.reports {
      control.beginSession = { session.begin($0) }
      control.endSession = { session.end() }
    }
    control.stop = { for user in users { user.stop() } }

    let meter = DisturbanceMeter()
    var result: PrecopyResult?
    var failure: String?
    var syncs: [Double] = []
    do throws(MigrationError) {
      let destination = try Destination(
        ram, cpus: bench.otherCPUs.isEmpty ? bench.hostCPUs : bench.otherCPUs)
      var migration = RealPrecopy(
        ram, bitmap, log, to: destination,
        limits: Precopy(downtimeLimit: Double(cell.options.nanoseconds("downtime-limit"))),
        bandwidth: Double(cell.options.bytes("bandwidth")), seed: bench.mutatorSeed(repetition), guest: control)
      for user in users { user.start() }
      defer { syncs = migration.syncs }
      result = try migration.run()
      failure = session.ends.failure
    } catch {
      failure = "\(error)"
    }
    // After a failure they may still be running.
    session.end()
    for user in users { user.stop() }
    run.trust.set([users.reduce(meter.reading()) { $0.beside($1.disturbance) }])
    session.giveBack()
    repetition.model.touch()

    run.found.outcome = failure == nil ? session.ends.outcome : .error
    run.found.blocksReported = session.blocksReported
    run.found.bytesPCP = guest.core.perCPUPages << 12
    run.delivery = RunRecord.Delivery(kicks: session.kicks, descriptors: session.descriptors)
    if let result, failure == nil {
      record.fill(result, unitBytes: 4096)
      record.syncNs = syncs.isEmpty ? nil : syncs.reduce(0, +) / Double(syncs.count)
      record.sessionCPUNs =
        cell.timesHold || cell.strategy.card.effect == .readsOnly ? Double(session.cpuNanoseconds) : nil
      record.operations = users.isEmpty ? nil : users.reduce(0) { $0 + $1.operations }
      record.operationsFailed = users.isEmpty ? nil : users.reduce(0) { $0 + $1.failed }
    }
    return RepetitionResult(
      run: run, zones: [], holds: [], holdSequence: nil, failure: failure,
      experiment: ExperimentRows(MigrationExperiment.card, [record]))
  }

  /// Writes everything that has content when the migration begins. Returns the pages that are RAM, and those in use.
  private func fill(_ ram: GuestRAM) -> (memory: MigrationBitmap, used: MigrationBitmap) {
    let guest = repetition.guest
    var memory = MigrationBitmap(units: ram.pages, allSet: false)
    for zone in guest.core.zones { memory.set(Int(zone.startPFN)..<Int(zone.endPFN)) }
    var used = memory
    for block in guest.freeBlocks() { used.clear(Int(block.pfn)..<Int(block.end)) }
    let written = repetition.cell.guest.state == .fresh ? used : memory
    var page = 0
    while let next = written.next(from: page) {
      ram.write(next, version: 0)
      page = next + 1
    }
    return (memory, used)
  }
}

extension RealMigration {
  /// The host memory of a migration by the real clock: the guest's pages and the destination's copies. An upper bound,
  /// without the modelled guest's struct pages; nil by the virtual clock.
  static func memory(_ cell: Cell) -> MemoryNeed? {
    guard cell.clock == .real else { return nil }
    let all = cell.guest.bytes
    let written: UInt64
    // The destination keeps no copies of zero pages.
    var zeroed: UInt64 = 0
    switch cell.guest.state {
    case .fresh:
      // The kernel keeps a fiftieth of each zone; users take up to a quarter of what is free.
      written = all / 40 + (cell.load == .none ? 0 : all / 4)
      if cell.pageInit == .alloc && cell.strategy.card.effect == .takesBlocks { zeroed = all }
    case .aged, .captured:
      written = all
    }
    return MemoryNeed(
      // Page tables that mark every page on one side, two bitmaps, and the two processes' other memory.
      bytes: min(written + zeroed, all) + written + all / 256 + (64 << 20),
      what: "a migration of \(ByteSize(bytes: all)), \(cell.guest.state.name), by the real clock",
      purpose: "for the guest and for the destination's copy",
      accepted: "a smaller --guest, --state fresh, or migration:clock=virtual")
  }

  /// All content is written beforehand, sent and compared; without hints every page is checked.
  static func estimate(_ cell: Cell) -> Double {
    let all = Double(cell.guest.bytes)
    let written: Double
    switch cell.guest.state {
    case .fresh: written = all / 40 + (cell.load == .none ? 0 : all / 16)
    case .aged, .captured: written = all
    }
    let looked = cell.strategy.card.reports ? written : all
    return 200e6 + looked * 0.4 + written * (1e9 / Double(cell.options.bytes("bandwidth")) + 1.5)
  }
}
