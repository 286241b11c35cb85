/// What a rung of the ladder measures: one primitive step in one setting. No figure yet.
///
/// Settings that don't apply are nil, and their keys are then absent.
public struct Primitive: Hashable, Codable, Sendable {
  /// In which order list heads are visited.
  public enum Order: String, Codable, Sendable {
    /// By address.
    case sequential
    /// Each once, in no order that a prefetcher knows.
    case random
  }

  /// Names the kind of step; together with the settings unique in a ladder.
  public var name: String
  /// The step in words, without its settings.
  public var what: String
  /// Of what the cost is one: "load" where it is nanoseconds a load.
  public var per: String
  /// Bytes that one such step handles, where it handles memory by the piece.
  public var operationBytes: UInt64?
  /// Bytes from the first list head to behind the last.
  public var spanBytes: UInt64?
  /// Bytes from one list head to the next.
  public var apartBytes: UInt64?
  public var order: Order?
  /// Bytes of the host pages underneath.
  public var pageBytes: UInt64?
  /// The lock's kind.
  public var lock: String?
  /// Memory of the modelled guest.
  public var guestBytes: UInt64?
  /// Its starting state: free memory, and the order of its lists.
  public var state: String?
  /// What the caches hold before: cold or warm.
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

  /// The same with these settings.
  public func with(_ change: (inout Primitive) -> Void) -> Primitive {
    var other = self
    change(&other)
    return other
  }
}
