/// How exactly a guest is modelled: `--granule` and `--vmemmap`, each possibly `auto`.
public struct VmemmapChoice: Sendable, Equatable {
  /// nil: auto.
  public var granuleOrder: Int?
  /// nil: auto.
  public var page: GuestGeometry.VmemmapPage?

  public init(granuleOrder: Int? = nil, page: GuestGeometry.VmemmapPage? = nil) {
    self.granuleOrder = granuleOrder
    self.page = page
  }

  /// The settings to try, in order: exact with the kernel's own mapping, exact with small pages, then coarser and
  /// coarser.
  public var candidates: [(granuleOrder: Int, page: GuestGeometry.VmemmapPage)] {
    let all: [(Int, GuestGeometry.VmemmapPage)] =
      [(0, .huge), (0, .small)] + (1...9).map { ($0, .huge) }
    let matching = all.filter { (granuleOrder ?? $0.0) == $0.0 && (page ?? $0.1) == $0.1 }
    if !matching.isEmpty { return matching }
    // Small pages at a coarse granule: not part of auto, but may be asked for.
    return (granuleOrder.map { [$0] } ?? Array(1...9)).map { ($0, page ?? .huge) }
  }

  /// Whether both were given, so that only a guest that doesn't fit at all is refused.
  public var isExplicit: Bool { granuleOrder != nil && page != nil }
}
