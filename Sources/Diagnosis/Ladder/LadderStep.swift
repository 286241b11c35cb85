/// Rungs that are measured together, and how.
public struct LadderStep {
  /// The amount of work of a step, from which the time of the next step of its kind is estimated.
  public struct Work: Equatable, Sendable {
    /// Only steps of one kind are compared with each other.
    public var kind: String
    /// The amount, in a unit that is the same within a kind.
    public var amount: Double

    public init(_ kind: String, amount: Double) {
      self.kind = kind
      self.amount = amount
    }
  }

  /// The label on progress lines.
  public var label: String
  public var primitives: [Primitive]
  public var work: Work?
  /// Whether the step takes so long that it runs last, so that the others find time left.
  public var isLong: Bool
  /// Measures the step. Returns an outcome for each primitive, in order; an error is the reason why none was measured.
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
