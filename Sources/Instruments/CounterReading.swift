/// The counts between a start and a stop, in user mode, on one thread; nil if not counted.
public struct CounterReading: Equatable, Codable, Sendable {
  public var cycles: UInt64?
  public var instructions: UInt64?
  public var l1dMisses: UInt64?
  public var l2Misses: UInt64?
  public var llcMisses: UInt64?
  public var dtlbMisses: UInt64?
  /// Events without a column, by PAPI's name.
  public var named: [String: UInt64] = [:]

  /// Nothing counted.
  public init() {}

  /// The sum of two threads' counts; nil for what either didn't count.
  public func adding(_ other: CounterReading) -> CounterReading {
    var sum = CounterReading()
    for event in HardwareEvent.allCases {
      if let own = self[event], let more = other[event] { sum[event] = own + more }
    }
    for (name, count) in named { if let more = other.named[name] { sum.named[name] = count + more } }
    return sum
  }

  /// The count of `event`.
  public subscript(event: HardwareEvent) -> UInt64? {
    get {
      switch event {
      case .cycles: cycles
      case .instructions: instructions
      case .l1dMisses: l1dMisses
      case .l2Misses: l2Misses
      case .llcMisses: llcMisses
      case .dtlbMisses: dtlbMisses
      }
    }
    set {
      switch event {
      case .cycles: cycles = newValue
      case .instructions: instructions = newValue
      case .l1dMisses: l1dMisses = newValue
      case .l2Misses: l2Misses = newValue
      case .llcMisses: llcMisses = newValue
      case .dtlbMisses: dtlbMisses = newValue
      }
    }
  }

  /// The count of any event.
  public subscript(event: CountedEvent) -> UInt64? {
    get {
      switch event {
      case .column(let event): self[event]
      case .named(let name): named[name]
      }
    }
    set {
      switch event {
      case .column(let event): self[event] = newValue
      case .named(let name): named[name] = newValue
      }
    }
  }
}
