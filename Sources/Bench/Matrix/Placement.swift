/// `--placement`: the host nodes of the scanner and the guest's memory.
public enum Placement: String, Sendable, CaseIterable {
  /// The modelled nodes' memory on the host nodes in turn, the scanner on the first one's.
  case local
  /// One cell per pair of host nodes: all guest memory on one, the scanner on the other.
  case matrix
}

/// `--scanners`: the number of scanner threads.
public enum Scanners: String, Sendable, CaseIterable {
  /// One thread for the whole guest.
  case one
  /// One thread per modelled node, all at the same time.
  case perNode = "per-node"
}
