/// Why a requested row has no verdict, or the verdict not enough data.
public enum VerdictReason: Sendable, Equatable {
  /// The strategy is `none`.
  case control
  /// There were more measured threads than CPUs.
  case oversubscribed
  case notMeasured
  case measuredOnlyIn(String)
  /// The values are counted on one side and measured on the other.
  case exactOnlyIn(String)
  /// The seeds differ, and exact counts of different guests aren't comparable.
  case exactWithOtherSeed
  /// New reports less of free memory than base, by this metric.
  case coversLess(String)
  /// No repetition has a value of both strategies.
  case nothingToPair
  /// Even the clearest difference couldn't be told from chance with so few samples among so many decisions.
  case tooFew(needed: Int, family: Int)
  /// The row's own p shows a change, the corrected one doesn't.
  case onlyUncorrected(family: Int)
  /// The interval extends beyond this share on either side.
  case tooScattered(beyond: Double, needed: Int?)
  /// Quantiles of so different numbers of holds that they mean different things.
  case otherNumberOfHolds

  /// The short form, for tables.
  var short: String {
    switch self {
    case .control: "control"
    case .oversubscribed: "oversubscribed"
    case .notMeasured: "not measured"
    case .measuredOnlyIn(let side): "measured only in \(side)"
    case .exactOnlyIn(let side): "exact only in \(side)"
    case .exactWithOtherSeed: "another seed"
    case .coversLess: "covers less"
    case .nothingToPair: "nothing to pair"
    case .tooFew: "too few"
    case .onlyUncorrected: "uncorrected only"
    case .tooScattered: "scattered"
    case .otherNumberOfHolds: "other number of holds"
    }
  }

  /// The explanation, which follows the short form.
  var sentence: String {
    switch self {
    case .control: "the control, which decides nothing"
    case .oversubscribed: "more measured threads than CPUs; excluded from verdicts"
    case .notMeasured: "on neither side"
    case .measuredOnlyIn, .exactOnlyIn: "can't be compared"
    case .exactWithOtherSeed: "the seeds differ, so the counts are of different guests"
    case .coversLess(let metric): "new covers less memory (\(metric)), which alone could make it faster"
    case .nothingToPair: "no repetition in common"
    case .tooFew(let needed, let family):
      "too few samples to tell from chance among \(family) decision\(family == 1 ? "" : "s"); "
        + "\(needed) per side would be enough"
    case .onlyUncorrected(let family):
      "significant before correction only, over \(family) decisions; collect more samples"
    case .tooScattered(let most, let needed):
      "a change of \(ComparisonText.plain(most)) can't be ruled out; "
        + (needed.map { "some \($0) samples per side would do" } ?? "collect more samples, or use a quieter machine")
    case .otherNumberOfHolds:
      "the numbers of holds differ by more than a tenth, and a quantile of few holds is their longest; compare "
        + "\(TrackedMetric.longestHold) or lock_hold_ns_weighted_mean"
    }
  }

  /// The reason without the row's own number of samples: rows that scatter are one note, which asks for the most.
  var kind: VerdictReason {
    if case .tooScattered(let most, _) = self { return .tooScattered(beyond: most, needed: nil) }
    return self
  }

  /// The samples per side that a reason asks for; 0 if it names no number.
  var samplesNeeded: Int {
    switch self {
    case .tooFew(let needed, _): needed
    case .tooScattered(_, let needed): needed ?? .max
    default: 0
    }
  }

  /// Whether the sides aren't comparable; treated like a cell that only one side has.
  var isMismatch: Bool {
    switch self {
    case .measuredOnlyIn, .exactOnlyIn, .exactWithOtherSeed, .coversLess, .nothingToPair,
      .otherNumberOfHolds:
      true
    default: false
    }
  }
}

extension VerdictReason: Encodable {
  /// Encodes a text with the short form and the explanation.
  public func encode(to encoder: any Encoder) throws {
    var box = encoder.singleValueContainer()
    try box.encode("\(short): \(sentence)")
  }
}

/// The verdict on one metric of one cell.
public enum Verdict: String, Codable, Sendable, CaseIterable {
  case worse
  case better
  /// No change was shown, and its interval lies within the minimum effect (``Thresholds/sameLevel``).
  case same
  /// The values are too few or too scattered to show a change or its absence.
  case notEnoughData = "not-enough-data"
}
