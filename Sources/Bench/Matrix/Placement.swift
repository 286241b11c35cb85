/// `--placement`: which host nodes the scanner and the guest's memory are on.
public enum Placement: String, Sendable, CaseIterable {
  /// Each modelled node's memory on a host node, in turn, and the scanner where the first one's is.
  case local
  /// All of the guest's memory on one host node, the scanner on one, and every pair of them a cell.
  case matrix
}

/// `--scanners`: how many threads scan.
public enum Scanners: String, Sendable, CaseIterable {
  /// One for the whole guest.
  case one
  /// One for each modelled node's zones, all at once.
  case perNode = "per-node"
}
