/// What a rung of the ladder measures: a primitive step in one setting, without its cost.
///
/// Settings that don't apply are nil, and their keys are absent in JSON.
public struct Primitive: Hashable, Codable, Sendable {
  /// The order in which list heads are visited.
  public enum Order: String, Codable, Sendable {
    /// By address.
    case sequential
    /// Each once, in an order no prefetcher predicts.
    case random
  }

  /// The kind of step; unique in a ladder together with the settings.
  public var name: String
  /// The step's description, without its settings.
  public var what: String
  /// The unit of the cost: "load" if it is nanoseconds a load.
  public var per: String
  /// The bytes that one step handles, if it handles memory.
  public var operationBytes: UInt64?
  /// Bytes from the first list head to the end of the last.
  public var spanBytes: UInt64?
  /// Bytes from one list head to the next.
  public var apartBytes: UInt64?
  public var order: Order?
  /// The size of the host pages. Bytes.
  public var pageBytes: UInt64?
  /// The lock's kind.
  public var lock: String?
  /// The size of the modelled guest. Bytes.
  public var guestBytes: UInt64?
  /// The guest's starting state: its free memory, and the order of its lists.
  public var state: String?
  /// The cache state: cold or warm.
  public var cache: String?

  enum CodingKeys: String, CodingKey {
    case name, what, per, order, lock, state, cache
    case operationBytes = "operation_bytes"
    case spanBytes = "span_bytes"
    case apartBytes = "apart_bytes"
    case pageBytes = "page_bytes"
    case guestBytes = "guest_bytes"
  }

  public init(_ name: String, _ what: String, per: String) {
    self.name = name
    self.what = what
    self.per = per
  }

  /// Returns a copy with changed settings.
  public func with(_ change: (inout Primitive) -> Void) -> Primitive {
    var other = self
    change(&other)
    return other
  }
}
