import Instruments

/// One rung of the ladder: a primitive step, with its cost on this machine or the reason why it wasn't measured.
public struct Rung: Equatable, Sendable {
  public enum Outcome: Equatable, Sendable {
    case measured(RungFigure)
    /// The reason.
    case unavailable(String)
  }

  public var primitive: Primitive
  public var outcome: Outcome

  public init(_ primitive: Primitive, _ outcome: Outcome) {
    self.primitive = primitive
    self.outcome = outcome
  }

  /// The cost; nil if it wasn't measured.
  public var figure: RungFigure? {
    if case .measured(let figure) = outcome { figure } else { nil }
  }

  /// Why it wasn't measured; nil if it was.
  public var reason: String? {
    if case .unavailable(let reason) = outcome { reason } else { nil }
  }

  /// The rate at the median cost, if a step handles memory. GiB (2^30 bytes) a second.
  public var gibPerSecond: Double? {
    guard let bytes = primitive.operationBytes, let median = figure?.cost.median, median > 0 else { return nil }
    return Double(bytes) / median * 1e9 / 0x1p30
  }
}

/// Encoded as one flat object: the primitive's keys, and either the figure's or `unavailable` with the reason.
extension Rung: Codable {
  enum CodingKeys: String, CodingKey {
    case median = "median_ns"
    case lowest = "lowest_ns"
    case highest = "highest_ns"
    case gibPerSecond = "gib_per_second"
    case rounds
    case operations = "operations_per_round"
    case note, unavailable
  }

  public init(from decoder: any Decoder) throws {
    primitive = try Primitive(from: decoder)
    let values = try decoder.container(keyedBy: CodingKeys.self)
    if let reason = try values.decodeIfPresent(String.self, forKey: .unavailable) {
      outcome = .unavailable(reason)
      return
    }
    var figure = RungFigure(
      costs: [try values.decode(Double.self, forKey: .median)],
      operations: try values.decode(Int.self, forKey: .operations),
      note: try values.decodeIfPresent(String.self, forKey: .note))
    figure.cost.lowest = try values.decode(Double.self, forKey: .lowest)
    figure.cost.highest = try values.decode(Double.self, forKey: .highest)
    figure.rounds = try values.decode(Int.self, forKey: .rounds)
    outcome = .measured(figure)
  }

  public func encode(to encoder: any Encoder) throws {
    try primitive.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    switch outcome {
    case .unavailable(let reason): try values.encode(reason, forKey: .unavailable)
    case .measured(let figure):
      try values.encode(figure.cost.median, forKey: .median)
      try values.encode(figure.cost.lowest, forKey: .lowest)
      try values.encode(figure.cost.highest, forKey: .highest)
      try values.encode(figure.rounds, forKey: .rounds)
      try values.encode(figure.operations, forKey: .operations)
      try values.encodeIfPresent(figure.note, forKey: .note)
      try values.encodeIfPresent(gibPerSecond, forKey: .gibPerSecond)
    }
  }
}
