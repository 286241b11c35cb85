import Foundation
import Records

/// What a sample is, and within which blocks labels are exchangeable.
enum Sampling: Sendable, Equatable {
  /// One run a side: its repetitions, all one block.
  case repetitions
  /// Several runs a side: the median of each launch, since repetitions within a launch share more than the binary.
  /// `inQuartets`: two successive launches of each side form a block.
  case launches(inQuartets: Bool)
  /// Two strategies in one run: the two values of a repetition form a block; with several runs, those of a launch.
  case pairs

  /// Chooses the sampling. The same even number of runs on both sides was interleaved A B B A.
  init(base: Int, new: Int) {
    self = base == 1 && new == 1 ? .repetitions : .launches(inQuartets: base == new && base.isMultiple(of: 2))
  }

  /// The samples of one metric in one cell, from the series of each run in order; nil if a run has none.
  func samples(base: [MetricSeries?], new: [MetricSeries?]) -> BlockedSamples {
    switch self {
    case .repetitions:
      BlockedSamples([.init(base: base.flatMap(Self.values), new: new.flatMap(Self.values))])
    case .launches(inQuartets: false):
      BlockedSamples([.init(base: base.compactMap(Self.median), new: new.compactMap(Self.median))])
    case .launches(inQuartets: true):
      BlockedSamples(
        stride(from: 0, to: base.count, by: 2).map { first in
          .init(
            base: base[first...].prefix(2).compactMap(Self.median), new: new[first...].prefix(2).compactMap(Self.median)
          )
        })
    case .pairs:
      if base.count == 1, let base = base.first ?? nil, let new = new.first ?? nil {
        BlockedSamples(
          base.values.keys.sorted().compactMap { repetition in
            guard let base = base.values[repetition], let new = new.values[repetition] else { return nil }
            return .init(base: [base], new: [new])
          })
      } else {
        BlockedSamples(
          zip(base, new).map {
            .init(base: [Self.median($0)].compactMap { $0 }, new: [Self.median($1)].compactMap { $0 })
          })
      }
    }
  }

  /// The name of a sample in JSON.
  var name: String {
    switch self {
    case .repetitions: "repetitions"
    case .launches(inQuartets: false): "launches"
    case .launches(inQuartets: true): "launches-in-quartets"
    case .pairs: "pairs"
    }
  }

  /// The number of samples of base and of new, as text.
  func words(_ base: Int, _ new: Int) -> String {
    switch self {
    case .repetitions: "\(base) against \(new) repetitions"
    case .launches(inQuartets: false): "\(base) against \(new) launches"
    case .launches(inQuartets: true): "\(base) against \(new) launches, two and two"
    case .pairs: "\(base) pairs"
    }
  }

  /// The samples a side needed to show a change among this many decisions.
  func needed(alpha: Double, family: Int) -> Int {
    func smallestP(_ count: Int) -> Double {
      switch self {
      case .repetitions, .launches(inQuartets: false): BlockedSamples.smallestP([(count, count)])
      case .launches(inQuartets: true):
        BlockedSamples.smallestP(Array(repeating: (2, 2), count: count / 2))
      case .pairs: BlockedSamples.smallestP(Array(repeating: (1, 1), count: count))
      }
    }
    let step = self == .launches(inQuartets: true) ? 2 : 1
    return stride(from: step, to: 1000, by: step).first { smallestP($0) * Double(family) <= alpha } ?? 1000
  }

  private static func values(_ series: MetricSeries?) -> [Double] {
    series.map { series in series.values.keys.sorted().compactMap { series.values[$0] } } ?? []
  }

  private static func median(_ series: MetricSeries?) -> Double? {
    MedianInterval.median(sorted: values(series).sorted())
  }
}
