/// What only one experiment measures in a repetition: rows of `EXPERIMENT.csv`.
public struct ExperimentRows: Hashable, Sendable {
  /// The experiment's name; the file is called after it.
  public var experiment: String
  /// The names of its own columns; run_id, cell_id and repetition stand before them. The same in every repetition.
  public var columns: [String]
  /// The fields of each row, as many as columns; nil if not measured.
  public var rows: [[String?]]

  /// Rows of an experiment.
  public init(experiment: String, columns: [String], rows: [[String?]]) {
    self.experiment = experiment
    self.columns = columns
    self.rows = rows
  }
}
