extension Double {
  /// The shortest decimal that parses to the same value, without exponent; integers without a decimal point, zero
  /// without sign. nil if the value isn't finite.
  public var decimalText: String? {
    guard isFinite else { return nil }
    guard self != 0 else { return "0" }
    // The standard library's description is the shortest round-trip form (SwiftDtoa), but turns to exponents below
    // 1e-4 and from 2^54 on: its digits are kept and the point is moved.
    let sign = self < 0 ? "-" : ""
    let parts = magnitude.description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".")
    let whole = mantissa[0]
    var fraction = mantissa.count > 1 ? mantissa[1] : ""
    if fraction == "0" { fraction = "" }
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let digits = String(whole + fraction)
    let point = whole.count + exponent
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    if point >= digits.count { return sign + digits + String(repeating: "0", count: point - digits.count) }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
  }
}
