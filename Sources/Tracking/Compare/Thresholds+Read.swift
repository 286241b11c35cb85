import Foundation
import Records

/// The contents of a thresholds file; missing keys keep their defaults.
private struct ThresholdsFile: Decodable {
  var alpha: Double?
  var minimumEffect: Double?
  var exactMinimumEffect: Double?
  var metrics: [String: Double]
  var decisive: [String: [String]]

  init(from decoder: any Decoder) throws {
    guard let catalogue = decoder.userInfo[.catalogue] as? Catalogue else { preconditionFailure("no catalogue") }
    try StrictJSON.refuseUnknownKeys(decoder, Thresholds.CodingKeys.allCases.map(\.rawValue))
    let box = try decoder.container(keyedBy: Thresholds.CodingKeys.self)
    func share(_ key: Thresholds.CodingKeys, _ isAccepted: (Double) -> Bool, _ accepted: String) throws -> Double? {
      guard let value = try box.decodeIfPresent(Double.self, forKey: key) else { return nil }
      guard isAccepted(value) else {
        throw DecodingError.dataCorruptedError(forKey: key, in: box, debugDescription: "\(value) isn't \(accepted)")
      }
      return value
    }
    alpha = try share(.alpha, Thresholds.isAlpha, Thresholds.acceptedAlpha)
    minimumEffect = try share(.minimumEffect, Thresholds.isEffect, Thresholds.acceptedEffect)
    exactMinimumEffect = try share(.exactMinimumEffect, Thresholds.isEffect, Thresholds.acceptedEffect)
    metrics = try box.decodeIfPresent([String: Double].self, forKey: .metrics) ?? [:]
    decisive = (try box.decodeIfPresent([String: OneOrMore].self, forKey: .decisive) ?? [:]).mapValues(\.names)

    func refuse(_ key: Thresholds.CodingKeys, _ member: String, _ what: String) -> DecodingError {
      let path = decoder.codingPath + [key, Member(stringValue: member)]
      return .dataCorrupted(.init(codingPath: path, debugDescription: what))
    }
    let known = Set(catalogue.experiments.flatMap { TrackedMetric.all(of: $0.name, catalogue).map(\.name) })
    for (name, effect) in metrics.sorted(by: { $0.key < $1.key }) {
      guard known.contains(name) else { throw refuse(.metrics, name, "unknown metric; see `hintbench list metrics`") }
      guard Thresholds.isEffect(effect) else {
        throw refuse(.metrics, name, "\(effect) isn't \(Thresholds.acceptedEffect)")
      }
    }
    for (experiment, names) in decisive.sorted(by: { $0.key < $1.key }) {
      guard catalogue.experiment(experiment) != nil else {
        throw refuse(.decisive, experiment, "unknown experiment; see `hintbench list experiments`")
      }
      guard !names.isEmpty else { throw refuse(.decisive, experiment, "names no metric") }
      for name in names where !TrackedMetric.all(of: experiment, catalogue).contains(where: { $0.name == name }) {
        throw refuse(.decisive, experiment, "'\(name)' is no metric of it")
      }
    }
  }

  /// A name, or an array of them.
  private struct OneOrMore: Decodable {
    var names: [String]
    init(from decoder: any Decoder) throws {
      let box = try decoder.singleValueContainer()
      names = if let name = try? box.decode(String.self) { [name] } else { try box.decode([String].self) }
    }
  }

  private struct Member: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

}

extension CodingUserInfoKey {
  fileprivate static let catalogue = CodingUserInfoKey(rawValue: "catalogue")!
}

extension Thresholds {
  /// Reads a checked-in thresholds file.
  ///
  /// - Throws: ``UserError`` (74 if the file can't be read, 65 if it is invalid).
  public static func read(_ path: String, _ catalogue: Catalogue) throws(UserError) -> Thresholds {
    let file: ThresholdsFile = try StrictJSON.read(
      path, accepted: "JSON with any of alpha, minimum_effect, exact_minimum_effect, metrics and decisive",
      userInfo: [.catalogue: catalogue])
    var read = Thresholds(catalogue)
    read.alpha = file.alpha ?? read.alpha
    read.minimumEffect = file.minimumEffect ?? read.minimumEffect
    read.exactMinimumEffect = file.exactMinimumEffect ?? read.exactMinimumEffect
    read.metrics = file.metrics
    read.decisive = file.decisive
    return read
  }

  public static func isAlpha(_ value: Double) -> Bool { value > 0 && value <= 0.5 }
  public static let acceptedAlpha = "above 0 and at most 0.5"
  public static func isEffect(_ value: Double) -> Bool { value >= 0 && value <= 10 }
  public static let acceptedEffect = "a share from 0 to 10 (0.05 is 5 %)"

  /// Sets one minimum effect for every metric, exact ones included. The coverage loss stays unchanged.
  public mutating func setMinimumEffect(_ effect: Double) {
    minimumEffect = effect
    exactMinimumEffect = effect
    let coverage = Set(catalogue.experiments.map(\.coverageMetric))
    metrics = metrics.filter { coverage.contains($0.key) }
  }

  /// Parses a minimum effect as given on the command line: 5, 5% or 0.5%.
  ///
  /// - Throws: ``UserError`` of kind usage.
  public static func effect(percent text: String) throws(UserError) -> Double {
    let number = text.hasSuffix("%") ? text.dropLast() : text[...]
    guard let percent = Double(number), isEffect(percent / 100) else {
      throw UserError(.usage, "invalid minimum effect '\(text)': expected 0 to 1000 percent, such as 5%")
    }
    return percent / 100
  }
}
