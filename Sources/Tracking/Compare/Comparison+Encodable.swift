/// The comparison as JSON. A relative change of 0.05 is 5 % more; what wasn't measured or tested is left out.
extension Comparison: Encodable {
  private enum CodingKeys: String, CodingKey {
    case base, new, common, rows, thresholds, level, family, warnings, counts, sampling
    case onlyInBase = "only_in_base"
    case onlyInNew = "only_in_new"
    case exitStatus = "exit_status"
  }

  public func encode(to encoder: any Encoder) throws {
    var box = encoder.container(keyedBy: CodingKeys.self)
    try box.encode(baseName, forKey: .base)
    try box.encode(newName, forKey: .new)
    try box.encode(common, forKey: .common)
    try box.encode(rows, forKey: .rows)
    try box.encode(thresholds, forKey: .thresholds)
    try box.encode(level, forKey: .level)
    try box.encode(family, forKey: .family)
    try box.encode(warnings, forKey: .warnings)
    try box.encode(onlyInBase, forKey: .onlyInBase)
    try box.encode(onlyInNew, forKey: .onlyInNew)
    try box.encode(sampling.name, forKey: .sampling)
    try box.encode(
      Dictionary(uniqueKeysWithValues: Verdict.allCases.map { ($0.rawValue, count($0)) }), forKey: .counts)
    try box.encode(exitStatus(strict: false), forKey: .exitStatus)
  }
}

extension ComparisonRow: Encodable {
  private enum CodingKeys: String, CodingKey {
    case cell, experiment, strategy, metric, unit, better, key, base, new, exact, change, p, verdict, reason
    case cellID = "cell_id"
    case changeIsRelative = "change_is_relative"
    case intervalLow = "interval_low"
    case intervalHigh = "interval_high"
    case correctedP = "p_corrected"
    case minimumEffect = "minimum_effect"
  }

  public func encode(to encoder: any Encoder) throws {
    var box = encoder.container(keyedBy: CodingKeys.self)
    try box.encode(cellID, forKey: .cellID)
    try box.encode(cell, forKey: .cell)
    try box.encode(experiment, forKey: .experiment)
    try box.encode(strategy, forKey: .strategy)
    try box.encode(metric.name, forKey: .metric)
    try box.encode(metric.unit, forKey: .unit)
    try box.encode(metric.direction.name, forKey: .better)
    if !key.isEmpty { try box.encode(key, forKey: .key) }
    try box.encodeIfPresent(base, forKey: .base)
    try box.encodeIfPresent(new, forKey: .new)
    try box.encode(isExact, forKey: .exact)
    try box.encodeIfPresent(change, forKey: .change)
    if change != nil { try box.encode(isRelative, forKey: .changeIsRelative) }
    try box.encodeIfPresent(interval?.lowerBound, forKey: .intervalLow)
    try box.encodeIfPresent(interval?.upperBound, forKey: .intervalHigh)
    try box.encodeIfPresent(p, forKey: .p)
    try box.encodeIfPresent(correctedP, forKey: .correctedP)
    try box.encode(minimumEffect, forKey: .minimumEffect)
    try box.encodeIfPresent(verdict, forKey: .verdict)
    try box.encodeIfPresent(reason, forKey: .reason)
  }
}
