/// The middle of many samples and how far they lie apart. A single minimum or mean on a shared machine is mostly its noise.
public struct Spread: Sendable {
  public let sorted: [Double]

  public init(_ samples: [Double]) {
    precondition(!samples.isEmpty, "no samples")
    sorted = samples.sorted()
  }

  public var median: Double { quantile(0.5) }
  public var lowest: Double { sorted[0] }
  public var highest: Double { sorted[sorted.count - 1] }

  /// The sample below which the share `q` of them lies.
  public func quantile(_ q: Double) -> Double { sorted[min(sorted.count - 1, Int(q * Double(sorted.count)))] }
}

extension Double {
  /// With so many decimals, without Foundation.
  public func text(_ decimals: Int = 2) -> String {
    let scale = (0..<decimals).reduce(1.0) { s, _ in s * 10 }
    let scaled = Int((self * scale).rounded())
    let whole = abs(scaled) / Int(scale)
    let sign = scaled < 0 ? "-" : ""
    if decimals == 0 { return "\(sign)\(whole)" }
    let rest = String(abs(scaled) % Int(scale))
    return "\(sign)\(whole)." + String(repeating: "0", count: decimals - rest.count) + rest
  }
}

extension String {
  /// Padded on the left (numbers) or on the right (words).
  public func column(_ width: Int, left: Bool = false) -> String {
    let pad = String(repeating: " ", count: Swift.max(0, width - count))
    return left ? self + pad : pad + self
  }
}
