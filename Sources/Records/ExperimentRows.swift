/// An experiment's own results of a repetition: rows of `EXPERIMENT.csv`.
public struct ExperimentRows: Hashable, Sendable {
  /// The experiment's name, which is also the file's.
  public var experiment: String
  /// The names of its own columns, after run_id, cell_id and repetition. The same in every repetition.
  public var columns: [String]
  /// The fields of each row, one per column; nil if not measured.
  public var rows: [[String?]]

  /// Creates the rows.
  public init(experiment: String, columns: [String], rows: [[String?]]) {
    self.experiment = experiment
    self.columns = columns
    self.rows = rows
  }
}
