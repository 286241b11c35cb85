/// The kernel's `enum zone_type`, lowest addresses first. HighMem is for captures of 32-bit machines.
public enum ZoneType: Int, Sendable, CaseIterable, Comparable {
  case dma = 0
  case dma32, normal, highMem, movable, device

  /// The kernel's spelling, as in /proc/buddyinfo.
  public var name: String { ["DMA", "DMA32", "Normal", "HighMem", "Movable", "Device"][rawValue] }

  /// sysctl_lowmem_reserve_ratio's defaults (mm/page_alloc.c, 6.1); 0 means no reserve.
  var lowmemReserveRatio: UInt64 { [256, 256, 32, 0, 0, 0][rawValue] }

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
