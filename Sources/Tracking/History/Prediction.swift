import Foundation

/// Whether a value is a plausible next one after those before it.
///
/// Student's prediction: with mean m and standard deviation s of n earlier values, (x - m) / (s sqrt(1 + 1/n)) has a t
/// distribution with n - 1 degrees of freedom, if all of them are independent draws from one normal distribution. On
/// logarithms where all values are above 0, so that it is about ratios.
struct Prediction {
  private let isRatio: Bool
  private let mean: Double
  /// s sqrt(1 + 1/n).
  private let scale: Double
  private let freedom: Int

  /// Nil where nothing can be said: of fewer than two values, or of values that are all equal, which don't tell how
  /// much they vary.
  init?(earlier: [Double]) {
    guard earlier.count > 1, Set(earlier).count > 1 else { return nil }
    isRatio = earlier.allSatisfy { $0 > 0 }
    let values = isRatio ? earlier.map { log($0) } : earlier
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    self.mean = mean
    scale = (squares / (count - 1) * (1 + 1 / count)).squareRoot()
    freedom = values.count - 1
  }

  /// How probable a value at least so far from the mean is, either way; 0...1. A value of 0 or less after only positive
  /// ones is beyond every prediction.
  func p(of value: Double) -> Double {
    if isRatio && value <= 0 { return 0 }
    return StudentT.twoSidedP(((isRatio ? log(value) : value) - mean) / scale, freedom: freedom)
  }

  /// The least relative change upwards whose p is not above `p`; nil if there is no ratio.
  func leastFound(p: Double) -> Double? {
    isRatio ? exp(StudentT.quantile(twoSidedP: p, freedom: freedom) * scale) - 1 : nil
  }
}
