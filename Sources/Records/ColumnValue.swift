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
