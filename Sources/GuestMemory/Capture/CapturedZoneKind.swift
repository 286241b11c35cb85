/// A zone as named in the kernel's /proc files (`zone_names` in mm/page_alloc.c). The cases are in the kernel's order
/// of zones within a node (`enum zone_type`); `rawValue` is the kernel's spelling.
public enum CapturedZoneKind: String, CaseIterable, Comparable, Sendable {
  case dma = "DMA"
  case dma32 = "DMA32"
  case normal = "Normal"
  case highMem = "HighMem"
  case movable = "Movable"
  case device = "Device"

  /// The kernel's order: DMA lowest, Device highest.
  public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .dma: 0
    case .dma32: 1
    case .normal: 2
    case .highMem: 3
    case .movable: 4
    case .device: 5
    }
  }

  /// The names, for messages.
  static let accepted = "zone DMA, DMA32, Normal, HighMem, Movable or Device"
}
