import Foundation

extension ComparisonRow {
  /// Returns the row's verdict among `family` deciding rows.
  ///
  /// - Parameters:
  ///   - alpha: the probability of calling any of them different if nothing changed.
  ///   - needed: the samples per side that are needed to show a change.
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
    // With a base of 0 the interval is no share of anything, so all there is to say is that no change was shown.
    guard isRelative else { return (.same, nil) }
    let most = Thresholds.sameFactor * minimumEffect
    guard let interval, interval.lowerBound >= -most, interval.upperBound <= most else {
      return (.notEnoughData, .tooScattered(beyond: most))
    }
    return (.same, nil)
  }
}
