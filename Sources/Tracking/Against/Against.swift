import Machine
import Records
import Reporting

/// Compares this build with another: launches both with the same arguments, four at a time that take turns, and
/// compares the launches.
///
/// The samples are launches because much of a program's speed is random per process: the placement of its memory,
/// physically and by address space randomization. Repetitions within a process share this, so two processes of the same
/// build differ by more than their repetitions suggest.
///
/// Nothing keeps running: launches are killed with this process, however it ends.
public struct Against: Sendable {
  /// The default number of launches per build: enough to tell builds apart on a shared machine.
  public static let defaultLaunches = 10
  private static let mostLaunches = 998

  /// The number of launches of each build.
  public let launches: Int
  private let baseline: String

  /// - Parameters:
  ///   - baseline: the path of the other build.
  ///   - launches: the number of launches of each build, even.
  /// - Throws: ``UserError``: 64 for an invalid number, 69 if the program doesn't exist.
  public init(baseline: String, launches: Int) throws(UserError) {
    guard launches >= 2, launches <= Self.mostLaunches, launches.isMultiple(of: 2) else {
      throw UserError(
        .usage, "invalid --launches \(launches): expected an even number from 2 to \(Self.mostLaunches)")
    }
    self.baseline = baseline
    self.launches = launches
    _ = try Self.program(baseline)
  }

  /// The default number of launches of each build: ``defaultLaunches``, or as many as are needed to tell a change of
  /// one decision from chance. A cell with several rows counts as one decision; if that is too few, the comparison says
  /// how many launches it needs.
  ///
  /// - Parameters:
  ///   - deciding: the cells decided by a measured metric, times the metrics that decide; exact decisions need no
  ///     launches.
  ///   - alpha: how often equal builds may be called different; above 0.
  public static func launches(deciding: Int, alpha: Double) -> Int {
    let needed = Sampling.launches(inQuartets: true).needed(alpha: alpha, family: deciding)
    return min(max(defaultLaunches, needed), mostLaunches)
  }

  /// Launches both builds and reads their results, in the order of the launches.
  ///
  /// - Parameters:
  ///   - words: the arguments of each launch; `--out` is added. Both builds get the same environment, working directory
  ///     and seed, since other guests would be another difference between launches.
  ///   - path: the new folder for their runs, in `base` and `new`.
  ///   - takesTurns: whether the launches of a quartet run at the same time and take turns at measuring, a repetition
  ///     at a time; otherwise, and if a build doesn't support turns, they run one after another.
  ///   - progress: called as launches finish.
  /// - Throws: ``UserError``. Finished launches stay.
  public func run(
    _ words: LaunchWords, out path: String, takesTurns: Bool, _ catalogue: Catalogue,
    progress: (_ done: Int) -> Void = { _ in }
  ) throws -> (base: [TrackedRun], new: [TrackedRun]) {
    guard let setpriv = ProgramPath().find("setpriv") else {
      throw UserError(
        .unavailable,
        "missing setpriv, which ends the launches if this program dies; install it: apt-get install util-linux")
    }
    // The kernel kills a launch when this thread ends; an older build doesn't check itself.
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

/// One of the two builds compared.
public enum BuildSide: String, CaseIterable, Sendable {
  /// The baseline.
  case base
  /// The build under test.
  case new

  /// The order of turns of four launches, by launch and by repetition: base, new, new, base, so that a machine that
  /// gets steadily slower affects both sides alike.
  static let quartet: [BuildSide] = [.base, .new, .new, .base]
}

/// The arguments of a launch: those of `run --against` without the comparison options.
///
/// Arguments are passed on rather than the expanded matrix because the baseline may be older: it knows the options of
/// its time, but not later additions to the matrix's format.
public struct LaunchWords: Equatable, Sendable {
  /// The arguments, in order.
  public let words: [String]

  /// - Parameters:
  ///   - call: all arguments of the program, `run` first.
  ///   - options: options to remove with their value, which is the next argument or follows a `=`, such as
  ///     `--launches`.
  ///   - flags: options without a value to remove.
  public init(of call: [String], without options: [String], flags: [String]) {
    var kept: [String] = []
    var rest = call[...]
    while let word = rest.popFirst() {
      if options.contains(word) {
        _ = rest.popFirst()
      } else if !flags.contains(word) && !options.contains(where: { word.hasPrefix($0 + "=") }) {
        kept.append(word)
      }
    }
    words = kept
  }
}
