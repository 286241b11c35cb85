import Foundation

/// Tests whether a value is a plausible successor of earlier ones.
///
/// Student's prediction: with mean m and standard deviation s of n earlier values, (x - m) / (s sqrt(1 + 1/n)) has a t
/// distribution with n - 1 degrees of freedom, if all values are independent draws from one normal distribution. Uses
/// logarithms if all values are above 0, so that it is about ratios.
struct Prediction {
  private let isRatio: Bool
  private let mean: Double
  /// s sqrt(1 + 1/n).
  private let scale: Double
  private let freedom: Int

  /// Creates the prediction; nil if it isn't defined, for fewer than two values or for equal values, which don't show
  /// any variation.
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

  /// The probability of a value at least as far from the mean, on either side; 0...1. 0 for a value of 0 or less after
  /// only positive ones.
  func p(of value: Double) -> Double {
    if isRatio && value <= 0 { return 0 }
    return StudentT.twoSidedP(((isRatio ? log(value) : value) - mean) / scale, freedom: freedom)
  }

  /// The smallest upward relative change whose p isn't above `p`; nil if ratios aren't defined.
  func leastFound(p: Double) -> Double? {
    isRatio ? exp(StudentT.quantile(twoSidedP: p, freedom: freedom) * scale) - 1 : nil
  }
}
