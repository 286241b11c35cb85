import GuestMemory

/// The units of a guest's memory that must still be sent: one bit each, as QEMU's RAMBlock.bmap, and the number of set
/// bits.
///
/// A unit is a page or, for the largest guests, a run of 2^``unitOrder`` pages, which keeps the bitmap small. A unit
/// that a hint covers only partly keeps its bit.
public struct MigrationBitmap: Sendable, Equatable {
  /// The number of bits.
  public let units: Int
  /// log2 of the pages per bit.
  public let unitOrder: Int
  /// The number of set bits (QEMU's migration_dirty_pages).
  public private(set) var count: Int
  private var words: [UInt64]

  /// - Parameters:
  ///   - units: at least 1.
  ///   - unitOrder: log2 of the pages per unit, at least 0.
  ///   - allSet: true for the first round, before anything is sent.
  public init(units: Int, unitOrder: Int = 0, allSet: Bool) {
    precondition(units > 0, "a bitmap of \(units) units")
    precondition(unitOrder >= 0, "units of 2^\(unitOrder) pages")
    self.units = units
    self.unitOrder = unitOrder
    count = allSet ? units : 0
    words = [UInt64](repeating: allSet ? .max : 0, count: (units + 63) / 64)
    if allSet && units % 64 != 0 { words[words.count - 1] = (1 << UInt64(units % 64)) - 1 }
  }

  /// Creates a bitmap for memory that ends before page `end`; the last unit may be partial.
  public init(pages end: Int, unitOrder: Int, allSet: Bool) {
    self.init(units: max((end + (1 << unitOrder) - 1) >> unitOrder, 1), unitOrder: unitOrder, allSet: allSet)
  }

  /// log2 of the pages per bit for a guest of this size: single pages up to 256 GiB, 2 MiB in larger guests, and at
  /// least the guest's granule.
  public static func unitOrder(guestBytes: UInt64, granuleOrder: Int) -> Int {
    max(guestBytes <= 256 << 30 ? 0 : 9, granuleOrder)
  }

  public subscript(unit: Int) -> Bool { words[unit >> 6] & (1 << UInt64(unit & 63)) != 0 }

  /// Sets a bit. Returns true if it was clear.
  @discardableResult
  public mutating func set(_ unit: Int) -> Bool {
    precondition(unit >= 0 && unit < units, "unit \(unit) of \(units)")
    let bit: UInt64 = 1 << UInt64(unit & 63)
    guard words[unit >> 6] & bit == 0 else { return false }
    words[unit >> 6] |= bit
    count += 1
    return true
  }

  /// Sets the bits of a range. Returns how many were clear. O(range / 64).
  @discardableResult
  public mutating func set(_ range: Range<Int>) -> Int {
    let added = forEachWord(range) { word, mask in
      let added = (mask & ~word).nonzeroBitCount
      word |= mask
      return added
    }
    count += added
    return added
  }

  /// Clears the bits of a range. Returns how many were set. O(range / 64).
  @discardableResult
  public mutating func clear(_ range: Range<Int>) -> Int {
    let cleared = forEachWord(range) { word, mask in
      let cleared = (mask & word).nonzeroBitCount
      word &= ~mask
      return cleared
    }
    count -= cleared
    return cleared
  }

  /// Clears the bits of the units wholly in a block, as a hint does. Returns how many were set. Ignores units beyond
  /// the bitmap's end. O(block / 64).
  @discardableResult
  public mutating func clear(_ block: Block) -> Int {
    let end = min(Int(clamping: block.end >> UInt64(unitOrder)), units)
    let first = Int(clamping: (block.pfn + (1 << UInt64(unitOrder)) - 1) >> UInt64(unitOrder))
    return first < end ? clear(first..<end) : 0
  }

  /// Calls `body` with each word and a mask of the range's bits in it. Returns the sum of its results.
  @inline(__always)
  private mutating func forEachWord(_ range: Range<Int>, _ body: (inout UInt64, _ mask: UInt64) -> Int) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= units, "units \(range) of \(units)")
    var sum = 0
    var unit = range.lowerBound
    while unit < range.upperBound {
      let first = unit & 63
      let length = min(64 - first, range.upperBound - unit)
      sum += body(&words[unit >> 6], (length == 64 ? .max : (1 << UInt64(length)) - 1) << UInt64(first))
      unit += length
    }
    return sum
  }

  /// Syncs: sets every bit that is set in a log of the same size, and clears the log. Returns how many were clear
  /// before. O(units / 64).
  @discardableResult
  public mutating func take(_ log: inout MigrationBitmap) -> Int {
    precondition(log.units == units, "a log of \(log.units) units for \(units)")
    guard log.count > 0 else { return 0 }
    let before = count
    for index in words.indices where log.words[index] != 0 {
      count += (log.words[index] & ~words[index]).nonzeroBitCount
      words[index] |= log.words[index]
      log.words[index] = 0
    }
    log.count = 0
    return count - before
  }

  /// The first set bit at or after `unit`; nil if there is none.
  public func next(from unit: Int) -> Int? {
    guard unit < units else { return nil }
    var index = unit >> 6
    var word = words[index] & (.max << UInt64(unit & 63))
    while word == 0 {
      index += 1
      guard index < words.count else { return nil }
      word = words[index]
    }
    return (index << 6) + word.trailingZeroBitCount
  }
}
