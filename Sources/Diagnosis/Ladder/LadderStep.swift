/// Rungs that are measured together, and how.
public struct LadderStep {
  /// Work that grows with something, from which the time of the next such step can be told.
  public struct Work: Equatable, Sendable {
    /// Steps of one kind are compared with each other.
    public var kind: String
    /// In any unit, the same within a kind.
    public var amount: Double

    public init(_ kind: String, amount: Double) {
      self.kind = kind
      self.amount = amount
    }
  }

  /// What is measured, for who waits.
  public var label: String
  public var primitives: [Primitive]
  public var work: Work?
  /// Takes so long that all others come first, lest they find the time spent.
  public var isLong: Bool
  /// An outcome for each of the primitives, in their order. What it throws is the reason why none was measured.
  public var measure: () throws -> [Rung.Outcome]

  public init(
    _ label: String, _ primitives: [Primitive], work: Work? = nil, isLong: Bool = false,
    measure: @escaping () throws -> [Rung.Outcome]
  ) {
    self.label = label
    self.primitives = primitives
    self.work = work
    self.isLong = isLong
    self.measure = measure
  }
}
