import Bench
import Foundation
import GuestMemory
import Instruments
import Machine
import Records

/// `hintbench kernel run`: sessions of the designs in a real mm, as rows of `scan`.
///
/// A repetition is one boot of each size: every design has a pass without the probe and one with it, in seeded order;
/// those that change the lists come last. Between two boots nothing is kept.
public struct KernelScan: Codable, Sendable {
  /// The guests' memory. Bytes.
  public var guests: [UInt64]
  /// The designs, as `NAME` or `NAME:OPTION=VALUE`.
  public var strategies: [String]
  /// The lowest order that is looked at; nil: the highest.
  public var order: Int?
  public var repetitions: Int
  public var isCold: Bool
  public var seed: UInt64
  /// A longer hold ends a session with an error. ns.
  public var longestHold: Double

  /// The designs of the probe, those that change the lists last.
  public static let designs: [(name: String, option: String?, changesLists: Bool)] = [
    ("record-unused-pages", nil, false), ("budgeted-resume", "budget", false), ("step-iterator", "step", false),
    ("walk-callback", nil, false), ("free-list-fixed-buffer", nil, false), ("pfn-scan", "chunk", false),
    ("free-list-multi-buffer", nil, true), ("alloc-max-order", nil, true),
  ]

  /// Checks the settings.
  ///
  /// - Throws: ``UserError`` of kind usage.
  public init(
    guests: [UInt64], strategies: [String], order: Int?, repetitions: Int, isCold: Bool, seed: UInt64,
    longestHold: Double
  ) throws(UserError) {
    for text in strategies {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard let design = Self.designs.first(where: { $0.name == parts[0] }) else {
        throw .usage(
          "unknown strategy '\(text)': expected one of \(Self.designs.map(\.name).joined(separator: ", "))")
      }
      guard parts.count > 1 else { continue }
      let option = parts[1].split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let name = design.option, option.count == 2, option[0] == name, Int(option[1]) != nil
      else {
        throw .usage(
          "invalid strategy '\(text)': in a real kernel \(design.name) has "
            + (design.option.map { "the option \($0)=NUMBER alone" } ?? "no option"))
      }
    }
    for bytes in guests where bytes < 64 << 20 || !bytes.isMultiple(of: 1 << 20) {
      throw .usage("invalid size \(ByteSize(bytes: bytes)): expected 64M or more, in whole MiB")
    }
    guard longestHold > 0, longestHold <= 1e9 else {
      throw .usage("invalid longest hold: expected at most 1s")
    }
    self.guests = guests
    self.strategies = strategies
    self.order = order
    self.repetitions = repetitions
    self.isCold = isCold
    self.seed = seed
    self.longestHold = longestHold
  }

  /// Boots the kernel for each repetition, and hands over what it measured.
  ///
  /// - Throws: ``UserError``; ``Interrupted``; the observer's errors.
  ///
  /// `folder`: the run's, which gets a capture of each size: the lists that the first boot's sessions began with.
  public func run(
    _ kernel: UMLKernel, _ identity: RunIdentity, _ folder: String, _ observer: any RunObserver
  ) throws -> [CellRecord] {
    var records: [String: [RunRecord]] = [:]
    var cells: [String] = []
    var own: [String: OwnLongestHold] = [:]
    let total = guests.count * strategies.count * repetitions
    var done = 0
    for repetition in 1...repetitions {
      for bytes in guests {
        if observer.isCancelled { throw Interrupted() }
        observer.progress(done: done, total: total, label: "\(kernel.version) \(ByteSize(bytes: bytes))")
        var generator = SeededGenerator(seed: seed, stream: UInt64(repetition))
        let report = try UMLBoot(kernel: kernel, bytes: bytes, limit: .seconds(300))
          .run(commands(shuffled: &generator))
        if repetition == 1 { try keepCapture(report.state, "\(folder)/capture-\(ByteSize(bytes: bytes))") }
        for pair in stride(from: 0, to: report.sessions.count - 1, by: 2) {
          let result = self.result(
            report, report.sessions[pair], report.sessions[pair + 1], bytes, repetition, kernel, identity)
          let cell = result.run.identity.cellID
          if records[cell] == nil { cells.append(cell) }
          records[cell, default: []].append(result.run)
          if let sequence = result.holdSequence { own[cell, default: OwnLongestHold()].add(sequence) }
          try observer.finished(result)
          done += 1
        }
      }
    }
    observer.progress(done: total, total: total, label: "")
    return cells.compactMap { cell in
      CellSummary.record(
        of: records[cell] ?? [], holdLimitNs: 100_000,
        lockHoldNsMaxOwn: own[cell]?.value.map { $0 * CycleClock.nanosecondsPerTick })
    }
  }

  private func keepCapture(_ state: KernelState, _ folder: String) throws {
    _ = try FileAccess.makeFolders(folder)
    for file in KernelCapture(state: state).files {
      try FileAccess.writeAtomically(Array(file.text.utf8), to: "\(folder)/\(file.name)")
    }
  }

  private func commands(shuffled generator: inout SeededGenerator) -> [String] {
    let reading = strategies.filter { !changesLists($0) }.shuffled(using: &generator)
    let changing = strategies.filter(changesLists)
    let cache = isCold ? "cold evict-bytes=\(evictedBytes)" : "warm"
    let ticks = UInt64(min(longestHold / CycleClock.nanosecondsPerTick, Double(UInt32.max)))
    // What the probe needs for itself is taken before the lists are read.
    return ["prepare cache=\(cache)", "dump"]
      + (reading + changing).map { strategy in
        let parts = strategy.split(separator: ":")
        return "scan design=\(parts[0]) cache=\(cache) max-hold-ticks=\(ticks)"
          + (order.map { " order=\($0)" } ?? "") + (parts.count > 1 ? " \(parts[1])" : "")
      }
  }

  private func changesLists(_ strategy: String) -> Bool {
    Self.designs.first { strategy == $0.name || strategy.hasPrefix($0.name + ":") }?.changesLists ?? false
  }

  /// Twice the last-level cache, as the model's evictor reads.
  private var evictedBytes: Int { min(2 * (HostFacts.gather().lastLevelCacheBytes ?? 32 << 20), 1 << 30) }

  // MARK: a row

  private func result(
    _ report: ProbeReport, _ speed: ProbeReport.Session, _ probed: ProbeReport.Session, _ bytes: UInt64,
    _ repetition: Int, _ kernel: UMLKernel, _ identity: RunIdentity
  ) -> RepetitionResult {
    var run = RunRecord()
    run.identity.runID = identity.runID
    run.identity.host = identity.host
    run.identity.commit = identity.commit
    run.identity.branch = identity.branch
    run.identity.time = Date()
    run.identity.experiment = "scan"
    run.identity.strategy = speed.fullName
    run.identity.repetition = repetition
    run.identity.seed = seed
    fillGuest(&run, report, speed, bytes)
    run.guest.kernelRules = kernel.version
    run.guest.source = "native"
    run.identity.cellID = cellID(run)
    fillFound(&run, report, speed)
    let holds = summary(probed)
    if !probed.samples.isEmpty {
      run.lock = RunRecord.Lock(holds, sessionTicks: probed.ticks)
    }
    fillSpeed(&run, speed)
    let buckets = holds.histograms[.collect].map {
      HoldBucketRecord.rows($0.hold, runID: identity.runID, run.key, .collect, .hold)
    }
    return RepetitionResult(
      run: run, zones: [], holds: buckets ?? [], holdSequence: probed.samples.isEmpty ? nil : holds.holdSequence)
  }

  private func summary(_ session: ProbeReport.Session) -> HoldSummary {
    let samples = session.samples.map {
      HoldSample(waitTicks: 0, holdTicks: $0.ticks, items: $0.items, phase: HoldPhase.collect.rawValue, zone: 0)
    }
    return HoldSummary(samples, dropped: session.holdsDropped)
  }

  private func fillGuest(
    _ run: inout RunRecord, _ report: ProbeReport, _ session: ProbeReport.Session, _ bytes: UInt64
  ) {
    run.guest.bytes = bytes
    run.guest.nodes = report.nodes
    run.guest.cpus = report.cpus
    run.guest.zones = report.state.zones.count
    run.guest.granuleOrder = 0
    run.guest.lockKind = "none"
    run.guest.pageInit = "none"
    run.guest.state = "fresh"
    run.guest.listOrder = "ascending"
    let free = report.state.zones.reduce(0) { $0 + $1.freePages }
    run.guest.bytesFree = free << 12
    run.guest.freeFraction = Double(free) / Double(bytes >> 12)
    run.guest.listAdjacent = report.state.adjacency(fromOrder: session.order)
    run.guest.order = session.order
    run.load.kind = "none"
    run.load.cache = session.isCold ? "cold" : "warm"
  }

  private func cellID(_ run: RunRecord) -> String {
    CellID.make(from: [
      ("experiment", "scan"), ("strategy", run.identity.strategy), ("guest_bytes", String(run.guest.bytes)),
      ("order", run.guest.order.map(String.init)), ("state", run.guest.state), ("cache", run.load.cache),
      ("kernel_rules", run.guest.kernelRules), ("source", run.guest.source),
    ])
  }

  private func fillFound(_ run: inout RunRecord, _ report: ProbeReport, _ session: ProbeReport.Session) {
    run.found.outcome = session.outcome
    let orders = report.state.zones.flatMap { $0.blocksFree.enumerated() }.filter { $0.offset >= session.order }
    run.found.blocksFree = orders.reduce(0) { $0 + $1.element }
    run.found.blocksReported = session.blocks
    run.found.bytesReported = session.pages << 12
    let bytesFree = orders.reduce(UInt64(0)) { $0 + UInt64($1.element) << UInt64($1.offset + 12) }
    if bytesFree > 0 { run.found.coverage = Double(session.pages << 12) / Double(bytesFree) }
    if let all = run.guest.bytesFree, all > 0 { run.found.coverageFree = Double(session.pages << 12) / Double(all) }
  }

  private func fillSpeed(_ run: inout RunRecord, _ session: ProbeReport.Session) {
    let nanoseconds = CycleClock.nanoseconds(fromTicks: session.ticks)
    run.speed.scanNs = nanoseconds
    if changesLists(session.design) { run.speed.returnNs = CycleClock.nanoseconds(fromTicks: session.returnTicks) }
    // One CPU and no other task: what passed is what the thread took, unless the host took its CPU away.
    run.speed.guestCPUNs = CycleClock.nanoseconds(fromTicks: session.ticks + session.returnTicks)
    guard session.blocks > 0 else { return }
    run.speed.setRates(nanoseconds: nanoseconds, blocks: session.blocks, bytes: session.pages << 12)
  }
}
