/// Valid values of a strategy's or an experiment's options, in their canonical spelling.
public struct OptionValues: Sendable, Hashable {
  private var values: [String: String]

  public init(_ values: [String: String]) { self.values = values }

  /// The value of an integer option. Traps if the owner doesn't have it.
  public func integer(_ name: String) -> Int {
    guard let value = values[name].flatMap({ Int($0) }) else { preconditionFailure("no integer option \(name)") }
    return value
  }

  /// The value of a choice. Traps if the owner doesn't have it.
  public func choice(_ name: String) -> String {
    guard let value = values[name] else { preconditionFailure("no option \(name)") }
    return value
  }

  /// The value of a size. Bytes. Traps if the owner doesn't have it.
  public func bytes(_ name: String) -> UInt64 {
    guard let value = values[name].flatMap({ try? ByteSize($0) }) else { preconditionFailure("no size \(name)") }
    return value.bytes
  }

  /// The value of a time. Nanoseconds. Traps if the owner doesn't have it.
  public func nanoseconds(_ name: String) -> UInt64 {
    guard let value = values[name].flatMap(TimeSpan.wholeNanoseconds) else { preconditionFailure("no time \(name)") }
    return value
  }

  /// The text of a value; nil if the owner doesn't have the option, or if the option is disabled.
  public subscript(name: String) -> String? {
    get { values[name] }
    set { values[name] = newValue }
  }
}
