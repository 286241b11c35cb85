import Foundation

extension ComparisonRow {
  /// What the row says among `family` rows that decide.
  ///
  /// - Parameters:
  ///   - alpha: how often any of them may be called different where nothing is.
  ///   - needed: how many samples a side a change would need to be shown, in words.
  func judged(alpha: Double, family: Int, needed: String) -> (verdict: Verdict, reason: String?) {
    if isExact {
      guard isLarge, let isWorse else { return (.same, nil) }
      return (isWorse ? .worse : .better, nil)
    }
    if let correctedP, correctedP <= alpha, isLarge, let isWorse { return (isWorse ? .worse : .better, nil) }
    guard let p, let smallestP, smallestP * Double(family) <= alpha else {
      return (.notEnoughData, "too few samples: \(needed)")
    }
    if p <= alpha && isLarge {
      return (.notEnoughData, "a change by itself, but not among \(family)")
    }
    // Of a base of 0 the interval is no share of anything: that nothing was shown is all there is to say.
    guard isRelative else { return (.same, nil) }
    let most = Thresholds.sameFactor * minimumEffect
    guard let interval, interval.lowerBound >= -most, interval.upperBound <= most else {
      return (.notEnoughData, "too scattered: a change beyond ±\((most * 1000).rounded() / 10) % isn't ruled out")
    }
    return (.same, nil)
  }
}
