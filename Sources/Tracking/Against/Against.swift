import Experiments
import Instruments
import Reporting

/// This build against another: both launched in turn on the same words, to compare launches.
///
/// Launches are the samples because much of what makes a program fast or slow is drawn once for each process: where its
/// memory lies, physically and by address space randomization. Repetitions within one process share that draw, so that
/// two processes of the very same build differ by more than their repetitions tell.
///
/// Nothing is left running: a launch is killed with this process, however that ends.
public struct Against: Sendable {
  /// What tells builds apart on a shared machine; fewer are for trying.
  public static let defaultLaunches = 10

  /// Of each build.
  public let launches: Int
  private let baseline: String

  /// - Parameters:
  ///   - baseline: the path of the other build.
  ///   - launches: of each build, an even number.
  /// - Throws: ``LaunchError``: 64 for the number, 69 where there is no such program.
  public init(baseline: String, launches: Int) throws(LaunchError) {
    guard launches >= 2, launches <= 998, launches.isMultiple(of: 2) else {
      throw LaunchError(64, "\(launches) launches of each build; accepted: even numbers from 2 to 998")
    }
    self.baseline = baseline
    self.launches = launches
    _ = try Self.program(baseline)
  }

  /// Launches both builds, and reads what they measured, in the order of the launches.
  ///
  /// - Parameters:
  ///   - words: what each launch is called with, `--out` added. Both get the same environment and folder to work in, and
  ///     the same seed, since other guests would be another difference between launches.
  ///   - path: the new folder for their runs, in `base` and `new`.
  ///   - progress: called before each launch.
  /// - Throws: ``LaunchError`` and ``ReportingError``. What was finished before stays.
  public func run(
    _ words: LaunchWords, out path: String, progress: (_ done: Int, _ side: BuildSide) -> Void = { _, _ in }
  ) throws -> (base: [TrackedRun], new: [TrackedRun]) {
    guard let setpriv = ProgramPath().find("setpriv") else {
      throw LaunchError(
        69, "setpriv isn't there, which ends launches with this program; mend: apt-get install util-linux")
    }
    // The kernel ends a launch where this thread ends first; an older build doesn't look for itself.
    let leash = [setpriv, "--pdeathsig", "KILL", "--"]
    let base = try Self.program(baseline)
    let new = try LaunchedProgram("/proc/self/exe", name: "this build")
    let sides = BuildSide.allCases.map(\.rawValue)
    let folder = try LaunchFolder(newAt: path, sides: sides)
    defer { folder.removeIfEmpty(sides: sides) }

    var runs: [BuildSide: [TrackedRun]] = [:]
    let order = BuildSide.order(launches: launches)
    for (index, side) in order.enumerated() {
      progress(index, side)
      let program = side == .base ? base : new
      try program.run(
        words.words + ["--out", folder.launch], leash: leash,
        launch: "\(program.name): launch \(index + 1) of \(order.count)")
      guard folder.hasLaunch else {
        throw LaunchError(
          69, "\(program.name): ended with 0 and left no run; accepted: a hintbench that was built before")
      }
      let place = try folder.keep(side: side.rawValue, number: runs[side, default: []].count + 1)
      runs[side, default: []].append(try TrackedRun(folder: place))
    }
    return (runs[.base] ?? [], runs[.new] ?? [])
  }

  private static func program(_ baseline: String) throws(LaunchError) -> LaunchedProgram {
    try LaunchedProgram(baseline, name: baseline)
  }
}
