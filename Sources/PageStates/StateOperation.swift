/// What a guest asks of the host about a page's state: the codes of s390's ESSA instruction.
public enum StateOperation: UInt8, Sendable, CaseIterable {
  /// Only looks.
  case get = 0
  /// To S, whatever it was: what an allocation does. A content that is gone reads as zero.
  case setStable = 1
  /// To U, whatever it was: what a free does.
  case setUnused = 2
  /// From S or P to V.
  case setVolatile = 3
  /// From S or V to P.
  case setPotentiallyVolatile = 4
  /// To S and into memory, whatever it was.
  case stableMakeResident = 5
  /// From V or P to S, and nothing at all where the page is discarded.
  case stableIfNotDiscarded = 6
}
