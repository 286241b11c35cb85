extension RunRecord {
  /// What passed between the guest and its host.
  public struct Delivery: Hashable, Sendable {
    /// `kicks`: Notifications sent to the host.
    public var kicks: Int?
    /// `descriptors`: Virtqueue descriptors used.
    public var descriptors: Int?

    /// Values left out are not measured.
    public init(
      kicks: Int? = nil,
      descriptors: Int? = nil
    ) {
      self.kicks = kicks
      self.descriptors = descriptors
    }
  }
}
