/// An amount of memory as written on the command line: `512M`, `8G`, `1.5T`, in units of 1024.
public struct ByteSize: Hashable, Sendable, CustomStringConvertible {
  public let bytes: UInt64

  public init(bytes: UInt64) { self.bytes = bytes }

  private static let units: [(Character, Int)] = [("K", 10), ("M", 20), ("G", 30), ("T", 40), ("P", 50)]

  /// - Throws: ``UserError`` if it isn't a size.
  public init(_ text: String) throws(UserError) {
    let bad = UserError(.usage, "invalid size '\(text)': expected a number with K, M, G, T or P, such as 8G or 1.5T")
    guard let last = text.uppercased().last else { throw bad }
    let unit = Self.units.first { $0.0 == last }
    let digits = unit == nil ? text : String(text.dropLast())
    guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits), number > 0
    else {
      throw bad
    }
    let bytes = number * Double(1 << (unit?.1 ?? 0))
    guard bytes >= 1, bytes < 0x1p62 else { throw bad }
    self.bytes = UInt64(bytes)
  }

  /// The text in the largest unit that divides the size, which parses to the same size: `1536G`.
  public var exactText: String {
    for (letter, shift) in Self.units.reversed() where bytes > 0 && bytes & ((1 << UInt64(shift)) - 1) == 0 {
      return "\(bytes >> UInt64(shift))\(letter)"
    }
    return "\(bytes)"
  }

  public var description: String {
    for (letter, shift) in Self.units.reversed() where bytes >= 1 << UInt64(shift) {
      let tenths = (Double(bytes) / Double(UInt64(1) << UInt64(shift)) * 10).rounded() / 10
      return tenths == tenths.rounded() ? "\(Int(tenths))\(letter)" : "\(tenths)\(letter)"
    }
    return "\(bytes)"
  }
}
