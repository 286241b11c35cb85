/// Which repetition of which cell: what every file of a run is joined on.
public struct RepetitionKey: Hashable, Sendable {
  /// The cell's hash.
  public var cellID: String
  /// The repetition's number within the cell.
  public var repetition: Int

  /// A key of its two parts.
  public init(cellID: String, repetition: Int) {
    self.cellID = cellID
    self.repetition = repetition
  }
}

extension RunRecord {
  /// The repetition this row commits.
  public var key: RepetitionKey { RepetitionKey(cellID: identity.cellID, repetition: identity.repetition) }
}
