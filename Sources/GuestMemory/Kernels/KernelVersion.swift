/// A kernel whose rules the model can follow: column `kernel_rules`.
public enum KernelVersion: String, Sendable, CaseIterable {
  case linux61 = "6.1"
  case linux612 = "6.12"
  case mainline

  /// Whose rules guests follow unless another is asked for: the newest that a real kernel is compared with.
  public static let standard = KernelVersion.linux612

  /// See ``KernelRules/Lists``.
  @inlinable @inline(__always)
  public var lists: KernelVersion {
    switch self {
    case .linux61: Linux6_1.Lists.version
    case .linux612: Linux6_12.Lists.version
    case .mainline: Mainline.Lists.version
    }
  }

  /// The last one that a release such as `6.12.117` has the rules of, or the first.
  public init(closestTo release: String) {
    let parts = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
    if parts.lexicographicallyPrecedes([6, 7]) {
      self = .linux61
    } else {
      self = parts.lexicographicallyPrecedes([7, 0]) ? .linux612 : .mainline
    }
  }
}
