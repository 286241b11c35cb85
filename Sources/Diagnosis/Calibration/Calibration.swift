import Foundation
import Instruments
import Machine
import Records
import Reporting

/// The result of `hintbench calibrate`: the ladder of primitive costs of this machine, with the facts a reader needs to
/// judge it.
public struct Calibration: Codable, Sendable {
  /// The schema version of the JSON file.
  public static let currentSchemaVersion = 1

  public var schemaVersion = Self.currentSchemaVersion
  /// The program's exact arguments.
  public var commandLine: [String]
  /// The source's commit; nil if unknown.
  public var commit: String?
  /// Whether the source was modified since that commit.
  public var dirty: Bool?
  /// release or debug.
  public var buildMode: String
  public var host: HostFacts
  /// Whether this is the short calibration.
  public var isQuick: Bool
  public var started: Date
  public var durationNanoseconds: Double
  /// Every rung, measured or with the reason why not, in the order they were climbed.
  public var rungs: [Rung]

  enum CodingKeys: String, CodingKey {
    case schemaVersion = "schema_version"
    case commandLine = "command_line"
    case isQuick = "quick"
    case buildMode = "build_mode"
    case durationNanoseconds = "duration_ns"
    case commit, dirty, host, started, rungs
  }

  public init(
    commandLine: [String], revision: SourceRevision?, host: HostFacts, isQuick: Bool, started: Date,
    durationNanoseconds: Double, rungs: [Rung]
  ) {
    self.commandLine = commandLine
    commit = revision?.commit
    dirty = revision?.isDirty
    buildMode = host.build.mode
    self.host = host
    self.isQuick = isQuick
    self.started = started
    self.durationNanoseconds = durationNanoseconds
    self.rungs = rungs
  }

  /// Climbs the ladder on the calling thread, pinned to the host's first CPU meanwhile.
  ///
  /// - Parameters:
  ///   - timeLimit: as on the command line, including a second of overhead; nil: 30 seconds.
  ///   - progress: as in ``Ladder/climb(_:budgetNanoseconds:clock:progress:)``.
  /// - Throws: ``UserError`` of kind usage if the limit isn't a time.
  public static func measure(
    quick: Bool, timeLimit: String? = nil, commandLine: [String], host: LadderHost,
    progress: (_ done: Int, _ total: Int, _ label: String) -> Void = { _, _, _ in }
  ) throws(UserError) -> Calibration {
    var effort = quick ? CalibrationEffort.quick : .full
    if let timeLimit { effort.budgetNanoseconds = try TimeSpan(timeLimit).nanoseconds }
    let started = Date()
    let began = MonotonicClock.nanoseconds()
    let facts = HostFacts.gather()
    let rungs = climb(effort, host: host, progress: progress)
    return Calibration(
      commandLine: commandLine, revision: .ofThisProgram, host: facts, isQuick: quick, started: started,
      durationNanoseconds: Double(MonotonicClock.nanoseconds() - began), rungs: rungs)
  }

  /// Climbs the rungs only.
  static func climb(
    _ effort: CalibrationEffort, host: LadderHost,
    progress: (_ done: Int, _ total: Int, _ label: String) -> Void = { _, _, _ in }
  ) -> [Rung] {
    let allowed = try? ThreadPlacement.allowedCPUs()
    if let first = host.cpus.first { try? ThreadPlacement.pin(toCPU: first) }
    defer { if let allowed { try? ThreadPlacement.allow(allowed) } }
    let steps =
      MachineLadder.stepCosts(effort.ladder, host) + ZoneLockRungs.steps(effort.ladder, host)
      + MachineLadder.kicks(effort.ladder, host) + MachineLadder.pages(effort.ladder, host)
      + DirtyLogCosts.steps(effort.ladder, host) + WalkCosts.agedGuests(effort, host)
      + WalkCosts.beyondCache(effort, host)
      + MachineLadder.loads(effort.ladder, host)
    return Ladder.climb(steps, budgetNanoseconds: effort.budgetNanoseconds, progress: progress)
  }
}

/// The effort of a calibration.
public struct CalibrationEffort: Sendable {
  public var ladder: LadderEffort
  /// The aged guests whose lists are walked, ascending. Bytes.
  public var guests: [UInt64]
  /// Whether one more guest is walked whose lists don't fit in the last-level cache.
  public var walksBeyondCache: Bool
  /// The time budget; rungs beyond it are marked as not measured. Nanoseconds.
  public var budgetNanoseconds: Double

  public init(ladder: LadderEffort, guests: [UInt64], walksBeyondCache: Bool, budgetNanoseconds: Double) {
    self.ladder = ladder
    self.guests = guests
    self.walksBeyondCache = walksBeyondCache
    self.budgetNanoseconds = budgetNanoseconds
  }

  /// 30 seconds at most, on two cores.
  public static let full = CalibrationEffort(
    ladder: .full, guests: [8 << 30, 64 << 30], walksBeyondCache: true, budgetNanoseconds: 29e9)

  /// A few seconds.
  public static let quick = CalibrationEffort(
    ladder: .quick, guests: [1 << 30, 8 << 30], walksBeyondCache: false, budgetNanoseconds: 29e9)
}

/// Shows a calibration's progress on a terminal.
public final class CalibrationProgress {
  private var bar: ProgressBar?

  public init() {}

  public func update(done: Int, total: Int, label: String) {
    let bar = self.bar ?? ProgressBar(total: total)
    self.bar = bar
    if done == total { bar.clear() } else { bar.update(done: done, label: label) }
  }
}
