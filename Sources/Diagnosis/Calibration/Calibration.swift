import Foundation
import Instruments
import Machine
import Records

/// The ladder of primitive costs of this machine, and what a reader needs to judge it: what `hintbench calibrate`
/// finds.
public struct Calibration: Codable, Sendable {
  /// Version of the file's form.
  public static let currentSchemaVersion = 1

  public var schemaVersion = Self.currentSchemaVersion
  /// The exact words the program was called with.
  public var commandLine: [String]
  /// Commit of the source; nil if that isn't known.
  public var commit: String?
  /// Whether the source was changed since that commit.
  public var dirty: Bool?
  /// release or debug.
  public var buildMode: String
  public var host: HostFacts
  /// Whether it is the short one.
  public var isQuick: Bool
  public var started: Date
  public var durationNanoseconds: Double
  /// Every rung, measured or with its reason, in the order they were climbed.
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

  /// Climbs the ladder on the calling thread, which is on the host's first CPU meanwhile.
  ///
  /// - Parameters:
  ///   - timeLimit: as on the command line; nil: 30 seconds, the second for what is around it included.
  ///   - progress: as that of ``Ladder/climb(_:budgetNanoseconds:clock:progress:)``.
  /// - Throws: ``UserError`` of kind usage if the limit is no time.
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

  /// The rungs alone.
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

/// How much a calibration takes upon itself.
public struct CalibrationEffort: Sendable {
  public var ladder: LadderEffort
  /// Aged guests whose lists are walked, ascending. Bytes.
  public var guests: [UInt64]
  /// Whether there is one more whose lists don't fit in the last-level cache.
  public var walksBeyondCache: Bool
  /// What isn't measured by then says so. Nanoseconds.
  public var budgetNanoseconds: Double

  public init(ladder: LadderEffort, guests: [UInt64], walksBeyondCache: Bool, budgetNanoseconds: Double) {
    self.ladder = ladder
    self.guests = guests
    self.walksBeyondCache = walksBeyondCache
    self.budgetNanoseconds = budgetNanoseconds
  }

  /// Within 30 seconds, on two cores.
  public static let full = CalibrationEffort(
    ladder: .full, guests: [8 << 30, 64 << 30], walksBeyondCache: true, budgetNanoseconds: 29e9)

  /// A few seconds.
  public static let quick = CalibrationEffort(
    ladder: .quick, guests: [1 << 30, 8 << 30], walksBeyondCache: false, budgetNanoseconds: 29e9)
}
