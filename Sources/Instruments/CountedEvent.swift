/// A counted event: one with a column in `runs.csv`, or any other by PAPI's name.
public enum CountedEvent: Hashable, Sendable {
  /// An event with a column.
  case column(HardwareEvent)
  /// An event by PAPI's name: a processor's own (`perf::BRANCH-MISSES`) or one of PAPI's presets.
  case named(String)

  /// The column's name, or PAPI's.
  public var name: String {
    switch self {
    case .column(let event): event.rawValue
    case .named(let name): name
    }
  }
}

/// A processor event with a column. The raw value is the column's name in `runs.csv`.
public enum HardwareEvent: String, CaseIterable, Codable, Sendable {
  /// Clock cycles (PAPI_TOT_CYC).
  case cycles
  /// Instructions completed (PAPI_TOT_INS).
  case instructions
  /// Misses of the first-level data cache (PAPI_L1_DCM).
  case l1dMisses = "l1d_misses"
  /// Misses of the second-level cache by data (PAPI_L2_DCM).
  case l2Misses = "l2_misses"
  /// Misses of the third-level cache, the last (PAPI_L3_TCM).
  case llcMisses = "llc_misses"
  /// Misses of the data TLB (PAPI_TLB_DM).
  case dtlbMisses = "dtlb_misses"
}
