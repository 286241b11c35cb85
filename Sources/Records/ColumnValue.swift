import Foundation

/// A value of a CSV field.
public protocol ColumnValue: Sendable {
  /// The field's text; nil for an empty field, which means not measured.
  var columnText: String? { get }
  /// The value as a number; nil if it isn't one.
  var columnNumber: Double? { get }
  /// Parses a field; nil for an empty one. Returns nil if the text is invalid.
  init?(columnText: String?)
}

extension ColumnValue {
  /// nil: not a number.
  public var columnNumber: Double? { nil }
}

extension Optional: ColumnValue where Wrapped: ColumnValue {
  public var columnText: String? { self?.columnText }
  public var columnNumber: Double? { self?.columnNumber }
  public init?(columnText: String?) {
    guard let columnText else {
      self = .none
      return
    }
    guard let value = Wrapped(columnText: columnText) else { return nil }
    self = .some(value)
  }
}

extension String: ColumnValue {
  public var columnText: String? { isEmpty ? nil : self }
  public init?(columnText: String?) { self = columnText ?? "" }
}

extension Int: ColumnValue {
  public var columnText: String? { String(self) }
  public var columnNumber: Double? { Double(self) }
  public init?(columnText: String?) {
    guard let columnText, let value = Int(columnText) else { return nil }
    self = value
  }
}

extension UInt64: ColumnValue {
  public var columnText: String? { String(self) }
  public var columnNumber: Double? { Double(self) }
  public init?(columnText: String?) {
    guard let columnText, let value = UInt64(columnText) else { return nil }
    self = value
  }
}

extension Double: ColumnValue {
  /// The shortest decimal; nil if the value isn't finite, which is no measurement.
  public var columnText: String? { decimalText }
  public var columnNumber: Double? { isFinite ? self : nil }
  public init?(columnText: String?) {
    guard let columnText, let value = Double(columnText), value.isFinite else { return nil }
    self = value
  }
}

extension Bool: ColumnValue {
  /// `true` or `false`.
  public var columnText: String? { self ? "true" : "false" }
  public init?(columnText: String?) {
    guard let columnText, let value = Bool(columnText) else { return nil }
    self = value
  }
}

extension Date: ColumnValue {
  /// ISO 8601 in UTC, to the second: `2026-01-31T12:00:00Z`.
  public var columnText: String? { formatted(.iso8601) }
  public init?(columnText: String?) {
    guard let columnText, let value = try? Date(columnText, strategy: .iso8601) else { return nil }
    self = value
  }
}

extension ColumnValue where Self: RawRepresentable, RawValue == String {
  /// The raw value.
  public var columnText: String? { rawValue }
  /// Creates the value with this raw value.
  public init?(columnText: String?) {
    guard let columnText else { return nil }
    self.init(rawValue: columnText)
  }
}

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
