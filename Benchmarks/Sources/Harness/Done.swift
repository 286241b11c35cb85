/// What one run of a body did beside taking time.
public struct Done {
  /// Operations inside the region, at least 1: what figures are divided by.
  public var operations: Int
  /// Times that the body took itself, in nanoseconds for all operations, by the metric's name.
  public var nanoseconds: [String: Double]
  /// What is the same on every machine and in every run, by the metric's name.
  public var counts: [String: Int]

  public init(_ operations: Int, nanoseconds: [String: Double] = [:], counts: [String: Int] = [:]) {
    precondition(operations > 0, "a body that did nothing")
    self.operations = operations
    self.nanoseconds = nanoseconds
    self.counts = counts
  }
}
