/// A length of time as written on the command line: `100ns`, `50us`, `2ms`, `30s`, `5m`, `1h`.
public struct TimeSpan: Hashable, Sendable, CustomStringConvertible {
  public let nanoseconds: Double

  public init(nanoseconds: Double) { self.nanoseconds = nanoseconds }

  private static let units: [(String, Double)] = [
    ("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
  ]

  /// - Throws: ``UserError`` if it isn't a time.
  public init(_ text: String) throws(UserError) {
    let bad = UserError(.usage, "invalid time '\(text)': expected a number with ns, us, ms, s, m or h, such as 100us")
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let number = Double(digits), number > 0, number.isFinite,
      let unit = Self.units.first(where: { $0.0 == text.dropFirst(digits.count) })
    else { throw bad }
    nanoseconds = number * unit.1
    guard nanoseconds <= 1000 * 3600e9 else { throw bad }
  }

  /// The value of a text that is a time of whole nanoseconds; otherwise nil.
  static func wholeNanoseconds(_ text: String) -> UInt64? {
    (try? TimeSpan(text)).flatMap { UInt64(exactly: ($0.nanoseconds * 1000).rounded() / 1000) }
  }

  /// The text in the largest unit that divides the time, which parses to the same time: `1500ms`.
  static func exactText(nanoseconds: UInt64) -> String {
    for (name, unit) in units.reversed() where nanoseconds > 0 && nanoseconds % UInt64(unit) == 0 {
      return "\(nanoseconds / UInt64(unit))\(name)"
    }
    return "\(nanoseconds)ns"
  }

  public var description: String {
    let unit = Self.units.last { nanoseconds >= $0.1 } ?? Self.units[0]
    let value = (nanoseconds / unit.1 * 100).rounded() / 100
    return value == value.rounded() ? "\(Int(value))\(unit.0)" : "\(value)\(unit.0)"
  }
}
