/// A unit of memory in use that doesn't hold what its user wrote.
struct PageLoss: Equatable, Sendable {
  /// How it came to that.
  enum Kind: Int, CaseIterable, Sendable {
    /// The strategy held the block when it reported it, and it was back with the allocator and in use again before the
    /// host acted.
    case returned
    /// The block was free when it was hinted and held by nobody, and was taken before the host acted.
    case taken
    /// The block was in use already when it was hinted.
    case inUse
  }

  var unit: Int
  var kind: Kind
}
