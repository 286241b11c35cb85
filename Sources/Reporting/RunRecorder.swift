import Records

/// Writes a run's repetitions to its folder as they finish, and shows progress.
public final class RunRecorder: RunObserver {
  private let folder: RunFolder
  private var meta: RunMeta
  private let progress: ProgressBar
  /// The number of repetitions finished before this process.
  private let resumed: Int
  private let beforeEach: () -> Void
  private let interrupted: () -> Bool
  /// The most holds of a repetition kept for the repeatable maximum of a resumed run: 32 MiB. A cell with more has no
  /// repeatable maximum after a resume.
  private static let holdsKept = 4 << 20

  /// The failed repetitions, those before a resume included.
  public var errors: [RunMeta.Failure] { meta.errors }

  /// Creates a recorder. `meta`: as in the folder. `total`: the repetitions of the whole run. `resumed`: those finished
  /// already. `beforeEach`: called before each repetition. `interrupted`: whether no further one is to be started.
  /// `isLaunch`: whether a comparison shows its own progress.
  public init(
    _ folder: RunFolder, meta: RunMeta, total: Int, resumed: Int = 0, isLaunch: Bool = false,
    beforeEach: @escaping () -> Void = {}, interrupted: @escaping () -> Bool = { false }
  ) {
    self.folder = folder
    self.meta = meta
    progress = ProgressBar(total: total, interval: isLaunch ? nil : .seconds(10))
    self.resumed = resumed
    self.beforeEach = beforeEach
    self.interrupted = interrupted
  }

  public var isCancelled: Bool { interrupted() }

  public func beginning() { beforeEach() }

  public func finished(_ repetition: RepetitionResult) throws {
    if let reason = repetition.failure {
      // Before the row with `error`, so that a kill never leaves the row without its reason.
      let key = repetition.run.key
      meta.errors.removeAll { $0.cellID == key.cellID && $0.repetition == key.repetition }
      meta.errors.append(.init(cellID: key.cellID, repetition: key.repetition, reason: reason))
      try folder.write(meta: meta)
    }
    let kept = repetition.holdSequence.flatMap { $0.lengths.count <= Self.holdsKept ? $0 : nil }
    try folder.commit(
      repetition.run, zones: repetition.zones, holds: repetition.holds, holdSequence: kept,
      experiment: repetition.experiment, events: repetition.events, coverage: repetition.coverage)
  }

  public func progress(done: Int, total: Int, label: String) {
    if done == total { progress.clear() } else { progress.update(done: done, skipped: resumed, label: label) }
  }
}
