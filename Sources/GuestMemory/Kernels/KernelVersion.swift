/// A kernel whose rules the model can follow: column `kernel_rules`.
public enum KernelVersion: String, Sendable, CaseIterable {
  case linux6_1 = "6.1"
  case linux6_12 = "6.12"

  /// The last one that a release such as `6.12.117` has the rules of, or the first.
  public init(closestTo release: String) {
    let parts = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
    self = parts.lexicographicallyPrecedes([6, 7]) ? .linux6_1 : .linux6_12
  }
}
