import Machine
import Records
import Reporting

/// This build against another: both launched on the same words, four at a time that take turns, to compare launches.
///
/// Launches are the samples because much of what makes a program fast or slow is drawn once for each process: where its
/// memory lies, physically and by address space randomization. Repetitions within one process share that draw, so that
/// two processes of the very same build differ by more than their repetitions tell.
///
/// Nothing is left running: a launch is killed with this process, however that ends.
public struct Against: Sendable {
  /// What tells builds apart on a shared machine; fewer are for trying.
  public static let defaultLaunches = 10
  private static let mostLaunches = 998

  /// Of each build.
  public let launches: Int
  private let baseline: String

  /// - Parameters:
  ///   - baseline: the path of the other build.
  ///   - launches: of each build, an even number.
  /// - Throws: ``UserError``: 64 for the number, 69 if there is no such program.
  public init(baseline: String, launches: Int) throws(UserError) {
    guard launches >= 2, launches <= Self.mostLaunches, launches.isMultiple(of: 2) else {
      throw UserError(
        .usage, "invalid --launches \(launches): expected an even number from 2 to \(Self.mostLaunches)")
    }
    self.baseline = baseline
    self.launches = launches
    _ = try Self.program(baseline)
  }

  /// The default number of launches of each build: ``defaultLaunches``, or as many as it takes for a change of one
  /// cell to be told from chance among all that decide. Of a cell with several rows only one is reckoned with; where
  /// that is too little the comparison says how many there should have been.
  ///
  /// - Parameters:
  ///   - deciding: cells over which a measured metric decides, times the metrics that do; what decides exactly needs no
  ///     launches.
  ///   - alpha: how often equal builds may be called different; above 0.
  public static func launches(deciding: Int, alpha: Double) -> Int {
    let needed = Sampling.launches(inQuartets: true).needed(alpha: alpha, family: deciding)
    return min(max(defaultLaunches, needed), mostLaunches)
  }

  /// Launches both builds, and reads what they measured, in the order of the launches.
  ///
  /// - Parameters:
  ///   - words: what each launch is called with, `--out` added. Both get the same environment and folder to work in,
  ///     and the same seed, since other guests would be another difference between launches.
  ///   - path: the new folder for their runs, in `base` and `new`.
  ///   - takesTurns: whether the launches of a quartet are there at once and take turns at measuring, a repetition at a
  ///     time; otherwise, and where a build doesn't know of turns, one launch follows the other.
  ///   - progress: called as launches are finished.
  /// - Throws: ``UserError``. What was finished before stays.
  public func run(
    _ words: LaunchWords, out path: String, takesTurns: Bool, _ catalogue: Catalogue,
    progress: (_ done: Int) -> Void = { _ in }
  ) throws -> (base: [TrackedRun], new: [TrackedRun]) {
    guard let setpriv = ProgramPath().find("setpriv") else {
      throw UserError(
        .unavailable,
        "missing setpriv, which ends the launches if this program dies; install it: apt-get install util-linux")
    }
    // The kernel ends a launch where this thread ends first; an older build doesn't look for itself.
    let leash = [setpriv, "--pdeathsig", "KILL", "--"]
    let base = try Self.program(baseline)
    let new = try LaunchedProgram("/proc/self/exe", name: "this build")
    let sides = BuildSide.allCases.map(\.rawValue)
    let folder = try LaunchFolder(newAt: path, sides: sides)
    defer { folder.removeIfEmpty(sides: sides) }

    var runs: [BuildSide: [TrackedRun]] = [:]
    var done = 0
    progress(done)
    for quartet in 0..<launches / 2 {
      do {
        try TurnTaking.run(BuildSide.quartet.count) { place in
          let program = BuildSide.quartet[place] == .base ? base : new
          return try program.start(
            words.words + ["--out", folder.launch(place)], leash: leash, takesTurns: takesTurns,
            name: "\(program.name): launch \(4 * quartet + place + 1) of \(2 * launches)")
        } ended: { place in
          let side = BuildSide.quartet[place]
          guard folder.hasLaunch(place) else {
            throw UserError(
              .unavailable,
              "\(side == .base ? base.name : new.name): exited 0 without writing a run; expected a hintbench "
                + "built earlier")
          }
          let kept = try folder.keep(place, side: side.rawValue, number: runs[side, default: []].count + 1)
          runs[side, default: []].append(try TrackedRun(folder: kept, catalogue))
          done += 1
          progress(done)
        }
      } catch {
        folder.removeLaunches()
        throw error
      }
    }
    return (runs[.base] ?? [], runs[.new] ?? [])
  }

  private static func program(_ baseline: String) throws(UserError) -> LaunchedProgram {
    try LaunchedProgram(baseline, name: baseline)
  }
}

/// One of two builds that are compared.
public enum BuildSide: String, CaseIterable, Sendable {
  /// The build compared with.
  case base
  /// The build in question.
  case new

  /// Whose turn it is among four launches, launch by launch and repetition by repetition: base, new, new, base, so that
  /// a machine that gets steadily slower makes both sides slower alike.
  static let quartet: [BuildSide] = [.base, .new, .new, .base]
}
