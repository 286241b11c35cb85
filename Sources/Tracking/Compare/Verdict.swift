/// Why a row that was asked for has no verdict, or no better one than not enough data.
public enum VerdictReason: Sendable, Equatable {
  /// The strategy `none`.
  case control
  /// More measured threads than CPUs.
  case oversubscribed
  case notMeasured
  case measuredOnlyIn(String)
  /// Counted on one side and measured on the other.
  case exactOnlyIn(String)
  /// Counts of another guest, as another seed makes it.
  case exactWithOtherSeed
  /// Less of the free memory was reported than in base, by this metric.
  case coversLess(String)
  /// Pairs, and no repetition that both have.
  case nothingToPair
  /// Even the clearest difference between so few samples couldn't be told from chance among so many decisions.
  case tooFew(needed: Int, family: Int)
  /// A change by the row's own p, which it isn't once corrected.
  case onlyUncorrected(family: Int)
  /// The interval reaches beyond this share on either side.
  case tooScattered(beyond: Double)

  /// For a table's field.
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
    }
  }

  /// What it means, after the short form.
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
    case .tooScattered(let most):
      "a change of more than \(ComparisonText.plain(most)) can't be ruled out; "
        + "collect more samples, or use a quieter machine"
    }
  }

  /// Whether the sides are not comparable; treated like a cell that only one side has.
  var isMismatch: Bool {
    switch self {
    case .measuredOnlyIn, .exactOnlyIn, .exactWithOtherSeed, .coversLess, .nothingToPair: true
    default: false
    }
  }
}

extension VerdictReason: Encodable {
  /// As a text: what and why.
  public func encode(to encoder: any Encoder) throws {
    var box = encoder.singleValueContainer()
    try box.encode("\(short): \(sentence)")
  }
}

/// What a comparison says of one metric of one cell.
public enum Verdict: String, Codable, Sendable, CaseIterable {
  case worse
  case better
  /// No change was shown, and none can have escaped that is larger than ``Thresholds/sameFactor`` minimum effects.
  case same
  /// So few or so scattered values that neither a change nor its absence could be shown.
  case notEnoughData = "not-enough-data"
}
