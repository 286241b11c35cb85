/// A guest's request about a page's state: the codes of s390's ESSA instruction.
public enum StateOperation: UInt8, Sendable, CaseIterable {
  /// Reads the state.
  case get = 0
  /// To S from any state, as at allocation. A page without content reads as zero.
  case setStable = 1
  /// To U from any state, as at free.
  case setUnused = 2
  /// From S or P to V.
  case setVolatile = 3
  /// From S or V to P.
  case setPotentiallyVolatile = 4
  /// To S from any state, and resident.
  case stableMakeResident = 5
  /// From V or P to S; does nothing if the page is discarded.
  case stableIfNotDiscarded = 6
}
