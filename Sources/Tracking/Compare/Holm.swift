/// Holm's correction (1979): the probability of calling even one of several equal things different stays below alpha,
/// whatever they have to do with each other.
enum Holm {
  /// Each p times the number of those not smaller, at least as large as the corrected ones below it, at most 1; in the
  /// order given.
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
