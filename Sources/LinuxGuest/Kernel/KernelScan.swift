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
  /// A longer hold ends the run with an error. ns.
  public var longestHold: Double
  /// Whether the lists are aged by a million operations of a trace before the sessions, and half of memory is in use.
  public var isChurned = false

  /// The designs of the probe, those that change the lists last.
  public static let designs = [
    Design(name: "record-unused-pages"), Design(name: "budgeted-resume", option: "budget"),
    Design(name: "step-iterator", option: "step"), Design(name: "walk-callback"),
    Design(name: "free-list-fixed-buffer"), Design(name: "pfn-scan", option: "chunk"),
    Design(name: "allocator", option: "pages", changesLists: true, givesBack: true),
    Design(name: "free-list-multi-buffer", changesLists: true, givesBack: true),
    Design(name: "alloc-max-order", changesLists: true, givesBack: true),
    Design(name: "page-reporting", changesLists: true),
  ]

  /// A design as far as its rows need it.
  public struct Design: Sendable {
    public var name: String
    /// The option that the probe takes; nil: none.
    public var option: String?
    public var changesLists = false
    /// Whether giving back what it took is timed apart.
    public var givesBack = false
  }

  /// Checks the settings.
  ///
  /// - Throws: ``UserError`` of kind usage.
  public init(
    guests: [UInt64], strategies: [String], order: Int?, repetitions: Int, isCold: Bool, seed: UInt64,
    longestHold: Double, isChurned: Bool = false
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
    guard longestHold >= 1e3, longestHold <= 1e9 else {
      throw .usage("invalid longest hold: expected 1us to 1s")
    }
    guard order.map({ (0...10).contains($0) }) ?? true else {
      throw .usage("invalid order \(order ?? 0): expected 0 to 10")
    }
    self.guests = guests
    self.strategies = strategies
    self.order = order
    self.repetitions = repetitions
    self.isCold = isCold
    self.seed = seed
    self.longestHold = longestHold
    self.isChurned = isChurned
  }

  /// Runs the kernel for each repetition, and hands over what it measured.
  ///
  /// `folder`: the run's, which gets a capture of each size: the lists that the first boot's sessions began with.
  ///
  /// - Throws: ``UserError``; ``Interrupted``; the observer's errors.
  public func run(
    _ kernel: any RealKernel, _ identity: RunIdentity, _ folder: String, _ observer: any RunObserver
  ) throws -> (cells: [CellRecord], agreement: BuddyinfoAgreement) {
    var agreement = BuddyinfoAgreement()
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
        let run = try kernel.run(
          commands(kernel, shuffled: &generator), preparing: "prepare cache=\(cache)", bytes: bytes)
        let report = run.report
        if repetition == 1 {
          let capture = "\(folder)/capture-\(ByteSize(bytes: bytes))"
          try run.keepCapture(in: capture)
          if !run.console.isEmpty {
            try FileAccess.writeAtomically(Array(run.console.utf8), to: capture + "/console")
          }
        }
        try agreement.add(run, order: order ?? report.maxOrder, isReading: { !changesLists($0.design) })
        for pair in stride(from: 0, to: report.sessions.count - 1, by: 2) {
          let result = self.result(
            run, report.sessions[pair], report.sessions[pair + 1], bytes, repetition, kernel, identity)
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
    let summaries = cells.compactMap { cell in
      CellSummary.record(
        of: records[cell] ?? [], holdLimitNs: 100_000,
        lockHoldNsMaxOwn: own[cell]?.value.map { $0 * CycleClock.nanosecondsPerTick })
    }
    return (summaries, agreement)
  }

  /// The lists are read when the probe has taken what it needs, and again before the first design that changes them.
  private func commands(_ kernel: any RealKernel, shuffled generator: inout SeededGenerator) -> [String] {
    let reading = strategies.filter { !changesLists($0) }.shuffled(using: &generator)
    let changing = strategies.filter(changesLists)
    func command(_ strategy: String) -> String {
      let parts = strategy.split(separator: ":")
      // A guest of its own may be emptied.
      return "scan design=\(parts[0]) cache=\(cache) max-hold-us=\(UInt64(longestHold / 1e3))"
        + (kernel.boots ? " reserve-mib=0" : "") + (order.map { " order=\($0)" } ?? "")
        + (parts.count > 1 ? " \(parts[1])" : "")
    }
    let churn = isChurned ? ["churn seed=\(seed)"] : []
    return churn + ["dump"] + reading.map(command) + ["dump"] + changing.map(command)
  }

  private var cache: String { isCold ? "cold evict-bytes=\(evictedBytes)" : "warm" }

  private func changesLists(_ strategy: String) -> Bool {
    design(strategy)?.changesLists ?? false
  }

  private func design(_ strategy: String) -> Design? {
    Self.designs.first { strategy == $0.name || strategy.hasPrefix($0.name + ":") }
  }

  /// Twice the last-level cache, as the model's evictor reads.
  private var evictedBytes: Int { min(2 * (HostFacts.gather().lastLevelCacheBytes ?? 32 << 20), 1 << 30) }

  // MARK: a row

  private func result(
    _ made: KernelRun, _ speed: ProbeReport.Session, _ probed: ProbeReport.Session, _ bytes: UInt64,
    _ repetition: Int, _ kernel: any RealKernel, _ identity: RunIdentity
  ) -> RepetitionResult {
    let report = made.report
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
    run.guest.state = !kernel.boots ? "running" : isChurned ? "churned" : "fresh"
    fillGuest(&run, report, speed, bytes)
    run.guest.kernelRules = kernel.version
    run.guest.source = kernel.source.rawValue
    run.guest.lockKind = kernel.source == .native ? "none" : "queued"
    run.guest.pageInit = made.pageInit
    run.identity.cellID = cellID(run, kernel.parameters)
    fillFound(&run, report, speed)
    let holds = summary(probed)
    var result = RepetitionResult(run: run, zones: [], holds: [], holdSequence: nil)
    switch kernel.source.ticks {
    case .time:
      fillSpeed(&result.run, speed)
      guard !probed.samples.isEmpty else { break }
      result.run.lock = RunRecord.Lock(holds, sessionTicks: probed.ticks)
      result.holdSequence = holds.holdSequence
      result.holds =
        holds.histograms[.collect].map {
          HoldBucketRecord.rows($0.hold, runID: identity.runID, run.key, .collect, .hold)
        } ?? []
    case .instructions:
      fillInstructions(&result.run, speed, probed)
    case .nothing: break
    }
    if !probed.samples.isEmpty, kernel.source.ticks != .time {
      result.run.lock.acquisitions = holds.acquisitions
      result.run.lock.itemsPerHoldMax = holds.itemsPerHoldMax
    }
    return result
  }

  private func fillInstructions(
    _ run: inout RunRecord, _ speed: ProbeReport.Session, _ probed: ProbeReport.Session
  ) {
    func instructions(_ ticks: UInt64) -> Int { Int(ticks) / Accelerator.ticksPerInstruction }
    run.counters.instructions = instructions(speed.ticks)
    run.counters.source = "icount"
    if design(speed.design)?.givesBack == true { run.counters.returnInstructions = instructions(speed.returnTicks) }
    let holds = probed.samples.map { instructions($0.ticks) }.sorted()
    run.lock.holdInstructionsMax = holds.last
    run.lock.holdInstructionsP50 = Percentile.nearestRank(0.5, ofSorted: holds)
    run.lock.holdInstructionsTotal = holds.isEmpty ? nil : holds.reduce(0, +)
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
    run.guest.listOrder = run.guest.state == "fresh" ? "ascending" : "churned"
    let free = report.state.zones.reduce(0) { $0 + $1.freePages }
    run.guest.bytesFree = free << 12
    run.guest.freeFraction = Double(free) / Double(bytes >> 12)
    run.guest.listAdjacent = report.state.adjacency(fromOrder: session.order)
    run.guest.order = session.order
    run.load.kind = "none"
    run.load.cache = session.isCold ? "cold" : "warm"
  }

  private func cellID(_ run: RunRecord, _ parameters: String) -> String {
    CellID.make(from: [
      ("experiment", "scan"), ("strategy", run.identity.strategy), ("guest_bytes", String(run.guest.bytes)),
      ("order", run.guest.order.map(String.init)), ("state", run.guest.state), ("cache", run.load.cache),
      ("kernel_rules", run.guest.kernelRules), ("source", run.guest.source),
      // Absent at what cells had before there were others.
      ("nodes", run.guest.nodes == 1 ? nil : run.guest.nodes.map(String.init)),
      ("cpus", run.guest.cpus == 1 ? nil : run.guest.cpus.map(String.init)),
      ("page_init", run.guest.pageInit == "none" ? nil : run.guest.pageInit),
      ("parameters", parameters.isEmpty ? nil : parameters),
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
    guard let listed = run.guest.bytesFree, listed > 0 else { return }
    run.found.coverageFree = Double(session.pages << 12) / Double(listed)
    let perCPU = report.state.zones.flatMap(\.perCPU)
    guard !perCPU.isEmpty else { return }
    let cached = perCPU.reduce(UInt64(0)) { $0 + UInt64(max($1.count, 0)) << 12 }
    run.found.bytesPCP = cached
    run.found.coverageUnused = Double(session.pages << 12) / Double(listed + cached)
  }

  private func fillSpeed(_ run: inout RunRecord, _ session: ProbeReport.Session) {
    let nanoseconds = CycleClock.nanoseconds(fromTicks: session.ticks)
    run.speed.scanNs = nanoseconds
    if design(session.design)?.givesBack == true {
      run.speed.returnNs = CycleClock.nanoseconds(fromTicks: session.returnTicks)
    }
    // One CPU and no other task: what passed is what the thread took, unless the host took its CPU away.
    if run.guest.cpus == 1, run.guest.source != KernelRunSource.host.rawValue {
      run.speed.guestCPUNs = CycleClock.nanoseconds(fromTicks: session.ticks + session.returnTicks)
    }
    guard session.blocks > 0 else { return }
    run.speed.setRates(nanoseconds: nanoseconds, blocks: session.blocks, bytes: session.pages << 12)
  }
}
