/// The values of a strategy's or an experiment's options, each of its range and in one spelling.
public struct OptionValues: Sendable, Hashable {
  private var values: [String: String]

  public init(_ values: [String: String]) { self.values = values }

  /// The value of an integer option. The name must be one of its owner's.
  public func integer(_ name: String) -> Int {
    guard let value = values[name].flatMap({ Int($0) }) else { preconditionFailure("no integer option \(name)") }
    return value
  }

  /// The value of a choice. The name must be one of its owner's.
  public func choice(_ name: String) -> String {
    guard let value = values[name] else { preconditionFailure("no option \(name)") }
    return value
  }

  /// The value of a size. Bytes. The name must be one of its owner's.
  public func bytes(_ name: String) -> UInt64 {
    guard let value = values[name].flatMap({ try? ByteSize($0) }) else { preconditionFailure("no size \(name)") }
    return value.bytes
  }

  /// The value of a time. Nanoseconds. The name must be one of its owner's.
  public func nanoseconds(_ name: String) -> UInt64 {
    guard let value = values[name].flatMap(TimeSpan.wholeNanoseconds) else { preconditionFailure("no time \(name)") }
    return value
  }

  /// As it is written; nil if the owner has no such option, or if what switches it on isn't given.
  public subscript(name: String) -> String? {
    get { values[name] }
    set { values[name] = newValue }
  }
}
