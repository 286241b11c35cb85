/// A migratetype as named in /proc/pagetypeinfo. `rawValue` is the index into the arrays of a `CapturedZone`: the
/// type's number in a kernel without CMA (`enum migratetype` of Linux 4.4 and later).
public enum CapturedMigratetype: Int, CaseIterable, Sendable {
  case unmovable = 0
  case movable = 1
  case reclaimable = 2
  case highAtomic = 3
  case isolate = 4

  /// The kernel's spelling (`migratetype_names`).
  public var name: String {
    switch self {
    case .unmovable: "Unmovable"
    case .movable: "Movable"
    case .reclaimable: "Reclaimable"
    case .highAtomic: "HighAtomic"
    case .isolate: "Isolate"
    }
  }

  /// Creates the type with the kernel's spelling `name`; nil for any other name, CMA included.
  public init?(name: some StringProtocol) {
    guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = type
  }
}
