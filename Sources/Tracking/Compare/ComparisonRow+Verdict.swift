import Foundation

extension ComparisonRow {
  /// What the row says among `family` rows that decide.
  ///
  /// - Parameters:
  ///   - alpha: how often any of them may be called different where nothing is.
  ///   - needed: how many samples a side a change would need to be shown.
  func judged(alpha: Double, family: Int, needed: Int) -> (verdict: Verdict, reason: VerdictReason?) {
    if isExact {
      guard isLarge, let isWorse else { return (.same, nil) }
      return (isWorse ? .worse : .better, nil)
    }
    if let correctedP, correctedP <= alpha, isLarge, let isWorse { return (isWorse ? .worse : .better, nil) }
    guard let p, let smallestP, smallestP * Double(family) <= alpha else {
      return (.notEnoughData, .tooFew(needed: needed, family: family))
    }
    if p <= alpha && isLarge {
      return (.notEnoughData, .onlyUncorrected(family: family))
    }
    // Of a base of 0 the interval is no share of anything: that nothing was shown is all there is to say.
    guard isRelative else { return (.same, nil) }
    let most = Thresholds.sameFactor * minimumEffect
    guard let interval, interval.lowerBound >= -most, interval.upperBound <= most else {
      return (.notEnoughData, .tooScattered(beyond: most))
    }
    return (.same, nil)
  }
}
