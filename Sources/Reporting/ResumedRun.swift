import Records

/// A run that was opened again.
public struct ResumedRun {
  /// The folder, ready for more repetitions.
  public let folder: RunFolder
  /// What the run was told to do.
  public let meta: RunMeta
  /// The repetitions that are done, in the order they were written.
  public let runs: [RunRecord]
  /// Which those are: they need not be run again.
  public let committed: Set<RepetitionKey>
  /// Repetitions whose row was taken out of runs.csv, since rows of theirs in other files were lost, as after a power
  /// failure; they are to be run again.
  public let lost: [RepetitionKey]
}
