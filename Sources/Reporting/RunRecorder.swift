import Experiments

/// Keeps a run's repetitions in its folder as they are finished, and shows how far it is.
public final class RunRecorder: RunObserver {
  private let folder: RunFolder
  private let progress: ProgressBar

  /// `total`: repetitions of the whole run.
  public init(_ folder: RunFolder, total: Int) {
    self.folder = folder
    progress = ProgressBar(total: total)
  }

  public func finished(_ repetition: RepetitionResult) throws {
    try folder.commit(
      repetition.run, zones: repetition.zones, holds: repetition.holds, holdSequence: repetition.holdSequence)
  }

  public func progress(done: Int, total: Int, label: String) {
    if done == total { progress.clear() } else { progress.update(done: done, label: label) }
  }
}
