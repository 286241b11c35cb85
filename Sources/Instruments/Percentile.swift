/// Percentiles of given samples.
public enum Percentile {
  /// The smallest of the ascending `samples` that at least the share `fraction` (0...1) of them don't exceed; nil
  /// without samples. Always one of the samples: nothing is interpolated.
  public static func nearestRank<Sample>(_ fraction: Double, ofSorted samples: [Sample]) -> Sample? {
    guard !samples.isEmpty else { return nil }
    // 0.999 * 1000 must not round up past 999.
    let exact = fraction * Double(samples.count) * (1 - 4 * Double.ulpOfOne)
    let rank = exact.isFinite ? Int(exact.rounded(.up)) : 1
    return samples[min(max(rank, 1), samples.count) - 1]
  }
}
