/// Holm's correction (1979): the probability of calling even one of several unchanged things different stays below
/// alpha, however they depend on each other.
enum Holm {
  /// Returns each p times the number of values not smaller, at most 1, at least as large as any smaller p's corrected
  /// value; in the given order.
  static func corrected(_ values: [Double]) -> [Double] {
    var corrected = [Double](repeating: 1, count: values.count)
    var least = 0.0
    for (rank, index) in values.indices.sorted(by: { values[$0] < values[$1] }).enumerated() {
      least = max(least, min(1, values[index] * Double(values.count - rank)))
      corrected[index] = least
    }
    return corrected
  }
}
