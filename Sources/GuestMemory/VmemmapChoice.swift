/// How exactly a guest is modelled: `--granule` and `--vmemmap`, either of them `auto`.
public struct VmemmapChoice: Sendable, Equatable {
  /// Nil: auto.
  public var granuleOrder: Int?
  /// Nil: auto.
  public var page: GuestGeometry.VmemmapPage?

  public init(granuleOrder: Int? = nil, page: GuestGeometry.VmemmapPage? = nil) {
    self.granuleOrder = granuleOrder
    self.page = page
  }

  /// What to try, in order: exact with the kernel's own mapping, exact with small pages, then coarser and coarser.
  public var candidates: [(granuleOrder: Int, page: GuestGeometry.VmemmapPage)] {
    let all: [(Int, GuestGeometry.VmemmapPage)] =
      [(0, .huge), (0, .small)] + (1...9).map { ($0, .huge) }
    let matching = all.filter { (granuleOrder ?? $0.0) == $0.0 && (page ?? $0.1) == $0.1 }
    if !matching.isEmpty { return matching }
    // Small pages at a coarse granule: not part of auto, but may be asked for.
    return (granuleOrder.map { [$0] } ?? Array(1...9)).map { ($0, page ?? .huge) }
  }

  /// Whether both were given, so that only what doesn't fit at all is refused.
  public var isExplicit: Bool { granuleOrder != nil && page != nil }
}
