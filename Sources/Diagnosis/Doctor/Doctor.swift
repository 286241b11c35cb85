import Bench
import Foundation
import GuestMemory
import Instruments
import Machine
import Migration
import Records

/// `hintbench doctor`: what this machine can and can't measure, why, and how to fix it.
public struct Doctor: Sendable {
  public var machine: MachineDoctor
  public var resources: Matrix.HostResources
  /// The program's experiments.
  public var experiments: ExperimentList
  /// The default parent folder of runs.
  public var runsFolder: String
  /// Why this build refuses to measure; nil if it doesn't.
  public var refusal: String?
  /// Why there is no dirty log; nil if there is one.
  public var dirtyLog: @Sendable () -> SystemCallError?

  public init(
    machine: MachineDoctor = MachineDoctor(), resources: Matrix.HostResources = .current,
    experiments: ExperimentList, runsFolder: String,
    refusal: String? = nil, dirtyLog: @escaping @Sendable () -> SystemCallError? = { WriteProtectLog.refusal }
  ) {
    self.machine = machine
    self.resources = resources
    self.experiments = experiments
    self.runsFolder = runsFolder
    self.refusal = refusal
    self.dirtyLog = dirtyLog
  }

  /// Valid lengths of the A/A run, besides 0. Seconds.
  public static let seconds = 1.0...3600.0

  /// Examines everything, and measures noise for `seconds`; 0 skips the noise.
  ///
  /// - Parameter progress: called with the seconds elapsed.
  /// - Throws: ``UserError`` (64) for an invalid number of seconds.
  public func examine(seconds: Double, progress: @escaping (Double) -> Void = { _ in }) throws(UserError)
    -> DoctorReport
  {
    guard seconds == 0 || Self.seconds.contains(seconds) else {
      throw UserError(.usage, "invalid --seconds \(seconds): expected 0 (no noise measurement) or 1 to 3600")
    }
    let facts = machine.facts
    let began = MonotonicClock.nanoseconds()
    let steal = StealClock.nanoseconds(files: machine.files)
    let matrix = Result { () throws(UserError) in try standardMatrix() }
    let guests = try GuestFit.all(resources, experiments)
    let nodes = NodePlacement.probe(machine.numa)
    let run = defaultRun(matrix)
    let whyNot = run.state == .missing ? "the default run \(run.found): \(run.why ?? "")" : nil
    let counters = machine.counters()

    var noise: NoiseReport?
    var noiseMissing: String?
    if seconds == 0 {
      noiseMissing = "--seconds 0 leaves it out"
    } else if let refusal {
      noiseMissing = refusal
    } else {
      do {
        noise = try NoiseTrial(machine: machine, host: resources, experiments: experiments).run(
          seconds: seconds, progress: progress)
      } catch {
        noiseMissing = "\(error)"
      }
    }

    var stolen: UInt64?
    if let steal, let now = StealClock.nanoseconds(files: machine.files), now >= steal { stolen = now - steal }
    let findings = [
      run, machine.buildMode(), counters, machine.simulatedCounters(), machine.clock(), machine.pinning(),
      try threads(), machine.nodes(nodes), machine.transparentHugePages(facts), memory(guests, matrix),
      machine.governor(facts), machine.boost(facts), machine.siblings(facts),
      machine.steal(facts, stolen: stolen, in: MonotonicClock.nanoseconds() - began), machine.virtualisation(facts),
      machine.kvm(), machine.emulator(), migration(),
    ]
    return DoctorReport(
      findings: findings, whyNot: whyNot, nodes: nodes, guests: guests, noise: noise, noiseMissing: noiseMissing,
      host: facts)
  }

  // MARK: rows that need the model

  /// The default matrix of some experiments; nil: of the default one.
  private func standardMatrix(_ chosen: [String]? = nil, quick: Bool = false) throws(UserError) -> Matrix {
    try Matrix(.standard(chosen, quick: quick, of: experiments), host: resources, experiments: experiments)
  }

  /// Checks that `hintbench run` works: checks the default matrix and runs a small part of it.
  func defaultRun(_ checked: Result<Matrix, UserError>) -> Finding {
    let what = "default run"
    if let refusal { return Finding(what, .missing, "is refused", why: refusal, mend: Self.releaseBuild) }
    let matrix: Matrix
    switch checked {
    case .success(let made): matrix = made
    case .failure(let error):
      let quick = try? standardMatrix(quick: true)
      return Finding(
        what, .missing, "doesn't fit", why: "\(error)", mend: quick == nil ? nil : "hintbench run --quick")
    }
    do {
      try tryRun()
      for spec in matrix.batches.flatMap(\.guests) { try reserve(spec) }
    } catch {
      return Finding(what, .missing, "fails", why: "\(error)")
    }
    if let folder = unwritable(runsFolder) {
      return Finding(
        what, .missing, "has nowhere to write", why: "\(folder) is not writable, and runs go to \(runsFolder)",
        mend: "hintbench run --out /tmp/hintbench-run")
    }
    let cells = matrix.cells.count
    let found =
      "works: \(cells) cells of \(matrix.config.repetitions) repetitions in about "
      + "\(TimeSpan(nanoseconds: matrix.estimatedNanoseconds)) and \(ByteSize(bytes: matrix.peakBytes)) of memory"
    guard matrix.omissions.isEmpty else {
      return Finding(what, .limited, found, why: "skipped: \(matrix.omissions.joined(separator: "; "))")
    }
    return Finding(what, .ok, found)
  }

  private static let releaseBuild = "swift build -c release --product hintbench"

  /// Runs a small guest once with a strategy that reads and one that takes blocks.
  private func tryRun() throws {
    var group = RunConfig.Group()
    group.guests = ["128M"]
    group.states = ["aged"]
    group.strategies = ["budgeted-resume", "alloc-max-order"]
    group.granule = "0"
    group.vmemmap = "4k"
    var config = RunConfig()
    config.groups = [group]
    config.repetitions = 1
    config.counters = "off"
    let observer = FailureObserver()
    _ = try MatrixRunner(
      Matrix(config, host: resources, experiments: experiments),
      RunIdentity(runID: "doctor", host: "", commit: nil, branch: nil),
      numa: machine.numa, library: machine.library
    ).run(observer)
    if let failure = observer.failure { throw UserError(.unavailable, failure) }
  }

  private final class FailureObserver: RunObserver {
    private(set) var failure: String?
    func finished(_ repetition: RepetitionResult) { failure = failure ?? repetition.failure }
    func progress(done: Int, total: Int, label: String) {}
  }

  /// Reserves a guest's address space briefly, without touching it.
  private func reserve(_ spec: GuestSpec) throws(GuestError) {
    var geometry = GuestGeometry.standard(
      bytes: spec.bytes, nodes: spec.nodes, cpus: spec.cpus, granuleOrder: spec.granuleOrder,
      movableShare: spec.movableShare)
    geometry.vmemmapPage = spec.vmemmapPage
    _ = try Guest(geometry)
  }

  /// The first existing folder on the way to `path` if it isn't writable; nil if it is.
  private func unwritable(_ path: String) -> String? {
    var folder = URL(fileURLWithPath: path)
    while access(folder.path, F_OK) != 0 && folder.path != "/" { folder.deleteLastPathComponent() }
    return access(folder.path, W_OK | X_OK) == 0 ? nil : folder.path
  }

  /// Which experiments use more threads by default than this machine has CPUs.
  func threads() throws(UserError) -> Finding {
    let what = "threads"
    var crowded: [String] = []
    for card in experiments.cards {
      guard let matrix = try? standardMatrix([card.name]) else { continue }
      let count = matrix.cells.count { $0.oversubscribed }
      if count > 0 { crowded.append("\(card.name) (\(count) of \(matrix.cells.count) cells)") }
    }
    let cpus = "\(resources.cpus) CPU\(resources.cpus == 1 ? "" : "s")"
    guard !crowded.isEmpty else {
      return Finding(what, .ok, "\(cpus) are enough for every experiment with its defaults")
    }
    return Finding(
      what, .limited, "\(cpus) are too few for \(crowded.joined(separator: ", "))",
      why: "oversubscribed cells are kept, marked, and excluded from verdicts")
  }

  /// Whether guests can be migrated by the real clock.
  func migration() -> Finding {
    let what = "real-time migration"
    if let refusal = dirtyLog() {
      return Finding(
        what, .missing, "no dirty log", why: "\(refusal): `run migration` has its virtual clock only")
    }
    return Finding(what, .ok, "write-protected by userfaultfd, read by PAGEMAP_SCAN")
  }

  /// Up to which size guests are modelled exactly.
  func memory(_ guests: [GuestFit], _ checked: Result<Matrix, UserError>) -> Finding {
    let what = "memory"
    func largest(_ fits: (GuestFit) -> Bool) -> String? { guests.last(where: fits)?.guest }
    func isExact(_ fit: GuestFit) -> Bool { fit.automatic?.granuleOrder == 0 }
    var parts = ["\(ByteSize(bytes: resources.availableBytes)) available, a quarter of it for one guest"]
    let every = largest { $0.wholeBlocks && isExact($0) }
    let most = largest { !$0.wholeBlocks && isExact($0) }
    parts.append(every.map { "exact (granule 0) up to \($0) with every strategy" } ?? "none exact with every strategy")
    parts.append(most.map { "up to \($0) with read-only strategies" } ?? "none without them")
    if let coarse = largest({ $0.automatic != nil }) { parts.append("coarser up to \(coarse)") }
    let found = parts.joined(separator: "; ")
    guard case .success(let matrix) = checked else {
      return Finding(what, .missing, found, why: "the guests of the default run don't fit")
    }
    let coarse = matrix.batches.flatMap(\.guests).filter { $0.granuleOrder > 0 }
    guard coarse.isEmpty else {
      return Finding(
        what, .limited, found,
        why:
          "of the default run's guests \(coarse.count) are modelled at a coarser granule: their times are lower bounds")
    }
    return Finding(what, .ok, found)
  }
}
