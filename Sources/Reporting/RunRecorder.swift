import Experiments

/// Keeps a run's repetitions in its folder as they are finished, and shows how far it is.
public final class RunRecorder: RunObserver {
  private let folder: RunFolder
  private let progress: ProgressBar
  /// Holds of a repetition that are kept for the repeatable maximum of a resumed run: 32 MiB. Of a cell with more it is
  /// empty after a resume.
  private static let holdsKept = 4 << 20

  /// `total`: repetitions of the whole run.
  public init(_ folder: RunFolder, total: Int) {
    self.folder = folder
    progress = ProgressBar(total: total)
  }

  public func finished(_ repetition: RepetitionResult) throws {
    let kept = repetition.holdSequence.flatMap { $0.count <= Self.holdsKept ? $0 : nil }
    try folder.commit(
      repetition.run, zones: repetition.zones, holds: repetition.holds, holdSequence: kept)
  }

  public func progress(done: Int, total: Int, label: String) {
    if done == total { progress.clear() } else { progress.update(done: done, label: label) }
  }
}
