import Experiments
import Foundation
import Records

extension Thresholds {
  /// What a thresholds file may say; a key left out keeps its default.
  public init(from decoder: any Decoder) throws {
    try StrictJSON.refuseUnknownKeys(decoder, CodingKeys.allCases.map(\.rawValue))
    let box = try decoder.container(keyedBy: CodingKeys.self)
    func share(_ key: CodingKeys, _ standard: Double, _ isAccepted: (Double) -> Bool, _ accepted: String) throws
      -> Double
    {
      let value = try box.decodeIfPresent(Double.self, forKey: key) ?? standard
      guard isAccepted(value) else {
        throw DecodingError.dataCorruptedError(forKey: key, in: box, debugDescription: "\(value) isn't \(accepted)")
      }
      return value
    }
    self.init()
    alpha = try share(.alpha, alpha, Self.isAlpha, Self.acceptedAlpha)
    minimumEffect = try share(.minimumEffect, minimumEffect, Self.isEffect, Self.acceptedEffect)
    exactMinimumEffect = try share(.exactMinimumEffect, exactMinimumEffect, Self.isEffect, Self.acceptedEffect)
    metrics = try box.decodeIfPresent([String: Double].self, forKey: .metrics) ?? [:]
    decisive = try box.decodeIfPresent([String: String].self, forKey: .decisive) ?? [:]

    func refuse(_ key: CodingKeys, _ member: String, _ what: String) -> DecodingError {
      let path = decoder.codingPath + [key, Member(stringValue: member)]
      return .dataCorrupted(.init(codingPath: path, debugDescription: what))
    }
    let known = Set(Experiments.all.flatMap { TrackedMetric.all(of: $0.name).map(\.name) })
    for (name, effect) in metrics.sorted(by: { $0.key < $1.key }) {
      guard known.contains(name) else { throw refuse(.metrics, name, "no metric of `hintbench list metrics`") }
      guard Self.isEffect(effect) else { throw refuse(.metrics, name, "\(effect) isn't \(Self.acceptedEffect)") }
    }
    for (experiment, name) in decisive.sorted(by: { $0.key < $1.key }) {
      guard Experiments.all.contains(where: { $0.name == experiment }) else {
        throw refuse(.decisive, experiment, "no experiment of `hintbench list experiments`")
      }
      guard TrackedMetric.all(of: experiment).contains(where: { $0.name == name }) else {
        throw refuse(.decisive, experiment, "'\(name)' is no metric of it")
      }
    }
  }

  private struct Member: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads a checked-in thresholds file.
  ///
  /// - Throws: ``MatrixError`` (74 where the file can't be read, 65 where it isn't one).
  public static func read(_ path: String) throws(MatrixError) -> Thresholds {
    try StrictJSON.read(
      path, accepted: "JSON with any of alpha, minimum_effect, exact_minimum_effect, metrics and decisive")
  }

  public static func isAlpha(_ value: Double) -> Bool { value > 0 && value <= 0.5 }
  public static let acceptedAlpha = "above 0 and at most 0.5"
  public static func isEffect(_ value: Double) -> Bool { value >= 0 && value <= 10 }
  public static let acceptedEffect = "a share from 0 to 10 (0.05 is 5 %)"

  /// One minimum effect for every metric, exact ones as well. How much less may be covered stays as it is.
  public mutating func setMinimumEffect(_ effect: Double) {
    minimumEffect = effect
    exactMinimumEffect = effect
    let coverage = Set(Experiments.all.map(\.coverageMetric))
    metrics = metrics.filter { coverage.contains($0.key) }
  }

  /// A minimum effect as it is written on the command line: 5, 5% or 0.5%.
  ///
  /// - Throws: ``ComparisonError`` of kind usage.
  public static func effect(percent text: String) throws(ComparisonError) -> Double {
    let number = text.hasSuffix("%") ? text.dropLast() : text[...]
    guard let percent = Double(number), isEffect(percent / 100) else {
      throw ComparisonError(.usage, "'\(text)' is no minimum effect; accepted: percent from 0 to 1000, as 5%")
    }
    return percent / 100
  }
}
