import Foundation

/// Student's t distribution with an integer number of degrees of freedom.
enum StudentT {
  /// The probability that |T| is larger than |t|, 0...1.
  ///
  /// By the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4. They give the complement: below 1e-12 only the
  /// magnitude is right, and less than 1e-16 is 0.
  static func twoSidedP(_ t: Double, freedom: Int) -> Double {
    precondition(freedom > 0, "a t distribution has at least one degree of freedom")
    guard t.isFinite else { return t.isNaN ? 1 : 0 }
    let angle = atan(abs(t) / Double(freedom).squareRoot())
    let (sine, cosine) = (sin(angle), cos(angle))
    // From here on each term is the one before times cos² and the next fraction.
    let isOdd = freedom % 2 == 1
    var term = isOdd ? cosine : 1
    var sum = freedom == 1 ? 0 : term
    var step = isOdd ? 3 : 2
    while step < freedom {
      term *= cosine * cosine * Double(step - 1) / Double(step)
      sum += term
      step += 2
    }
    let inside = isOdd ? (angle + sine * sum) * 2 / .pi : sine * sum
    return min(1, max(0, 1 - inside))
  }

  /// The t that |T| exceeds with this probability, which is above 0 and below 1.
  static func quantile(twoSidedP p: Double, freedom: Int) -> Double {
    precondition(p > 0 && p < 1, "a probability between 0 and 1")
    var high = 1.0
    while twoSidedP(high, freedom: freedom) > p && high < 1e12 { high *= 2 }
    var low = 0.0
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if twoSidedP(middle, freedom: freedom) > p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
