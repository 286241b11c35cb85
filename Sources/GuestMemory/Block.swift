/// A naturally aligned run of 2^order pages: its first PFN and its order in one word.
public struct Block: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// PFN in bits 63..8, order in bits 7..0, so that words sort by address.
  public let rawValue: UInt64

  @inlinable @inline(__always)
  public init(pfn: UInt64, order: Int) { rawValue = pfn &<< 8 | UInt64(truncatingIfNeeded: order) }

  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The PFN of its first page.
  @inlinable @inline(__always) public var pfn: UInt64 { rawValue &>> 8 }
  @inlinable @inline(__always) public var order: Int { Int(truncatingIfNeeded: rawValue & 0xff) }
  /// The number of 4 KiB pages.
  @inlinable @inline(__always) public var pages: UInt64 { 1 &<< UInt64(order) }
  @inlinable public var bytes: UInt64 { pages &<< 12 }
  /// The PFN after its last page.
  @inlinable public var end: UInt64 { pfn + pages }

  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  public var description: String { "pfn \(pfn) order \(order)" }
}
