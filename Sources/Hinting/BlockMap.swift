import GuestMemory

/// A bitmap of the free blocks, exact under zone->lock: a bit is set while its block, or a part of a larger one, is on a
/// free list. A second bitmap beside it says which of them the host hasn't been told of.
///
/// The bits are kept where blocks enter and leave the lists, under the lock that the allocator holds there anyway, so that
/// plain reads and writes do. A zone's words are its own: in address order, with one more word in between for each zone
/// before it, so that the zones that meet within a word don't share it. So a bit's place follows from PFN and zone number,
/// and nothing is looked up. (Where a zone with a higher number lies before one with a lower, as after hotplug, each zone has
/// all words of the guest, of which it touches its own.) The two bitmaps alternate word by word: a hook touches one cache line.
///
/// Read without the lock a word is true of a moment: what is found is a hint.
///
/// Two bits a block: at order 10 that is 64 KiB a TiB, at order 9 128 KiB.
struct BlockMap {
  let words: SharedWords.View
  /// What a bit stands for: a block of this order.
  let order: Int
  /// The words between a zone and the next one, beyond those of the pages between.
  let gap: Int

  /// The first bitmap word. Before it, on lines of their own, are the words of ``ReportingWords``.
  static let first = 16

  /// How many words a guest takes.
  static func wordCount(_ guest: GuestCore, order: Int) -> Int {
    first + 2 * (span(guest, order: order) + guest.zoneCount * gap(guest, order: order))
  }

  /// The words of all the guest's pages, without gaps.
  private static func span(_ guest: GuestCore, order: Int) -> Int {
    Int((guest.zones.map(\.endPFN).max() ?? 0) >> UInt64(order + 6)) + 1
  }

  /// See ``gap``.
  static func gap(_ guest: GuestCore, order: Int) -> Int {
    let zones = guest.zones.filter { $0.spannedPages > 0 }
    return zip(zones, zones.dropFirst()).allSatisfy { $0.endPFN <= $1.startPFN } ? 1 : span(guest, order: order)
  }

  /// The word with a block's bit in the bitmap of the free ones; the next word is the other bitmap's.
  @inline(__always)
  func word(_ pfn: UInt64, zone: Int) -> Int {
    Self.first &+ 2 &* (Int(truncatingIfNeeded: pfn &>> UInt64(truncatingIfNeeded: order &+ 6)) &+ zone &* gap)
  }

  /// The bits of a block of `order`, in a word; of a block of more than 64 bits, each of its words.
  @inline(__always)
  func mask(_ pfn: UInt64, order: Int) -> UInt64 {
    let count = 1 &<< UInt64(truncatingIfNeeded: order &- self.order)
    let low: UInt64 = count >= 64 ? ~0 : (1 &<< count) &- 1
    return low &<< (pfn &>> UInt64(truncatingIfNeeded: self.order) & 63)
  }

  /// Notes that a block came on a list: free, and unknown to the host.
  @inline(__always)
  func add(_ pfn: UInt64, zone: Int, order: Int) {
    forEachWord(pfn, zone: zone, order: order) { word, mask in
      words[word] |= mask
      words[word &+ 1] |= mask
    }
  }

  /// Notes that a block leaves its list.
  @inline(__always)
  func remove(_ pfn: UInt64, zone: Int, order: Int) {
    forEachWord(pfn, zone: zone, order: order) { word, mask in
      words[word] &= ~mask
      words[word &+ 1] &= ~mask
    }
  }

  /// Notes that the host knows of a block: under the lock, of a block that is on its list.
  @inline(__always)
  func setKnown(_ pfn: UInt64, zone: Int, order: Int) {
    forEachWord(pfn, zone: zone, order: order) { word, mask in words[word &+ 1] &= ~mask }
  }

  /// Whether all of a block is free and known to the host.
  func isKnown(_ pfn: UInt64, zone: Int, order: Int) -> Bool {
    var isKnown = true
    forEachWord(pfn, zone: zone, order: order) { word, mask in
      isKnown = isKnown && words[word] & mask == mask && words[word &+ 1] & mask == 0
    }
    return isKnown
  }

  @inline(__always)
  private func forEachWord(_ pfn: UInt64, zone: Int, order: Int, _ body: (_ word: Int, _ mask: UInt64) -> Void) {
    var word = word(pfn, zone: zone)
    body(word, mask(pfn, order: order))
    // Blocks of more than 64 bits begin with a word.
    var left = order &- self.order > 6 ? 1 &<< (order &- self.order &- 6) : 1
    while left > 1 {
      word &+= 2
      left &-= 1
      body(word, ~0)
    }
  }

  /// The words of a zone's bitmap of free blocks, every second one.
  @inline(__always)
  func words(of zone: Zone) -> (first: Int, end: Int) {
    if zone.spannedPages == 0 { return (0, 0) }
    return (word(zone.startPFN, zone: zone.index), word(zone.endPFN &- 1, zone: zone.index) &+ 2)
  }

  /// The PFN of the lowest bit of a zone's word.
  @inline(__always)
  func pfn(ofWord word: Int, zone: Int) -> UInt64 {
    UInt64(truncatingIfNeeded: (word &- Self.first) &>> 1 &- zone &* gap) &<< UInt64(truncatingIfNeeded: order &+ 6)
  }

  /// Makes it what the lists say. No thread may run in the guest. Complexity: O(blocks).
  func rebuild(_ guest: GuestCore) {
    for zone in guest.zones {
      let (first, end) = words(of: zone)
      for index in first..<end where words[index] != 0 { words[index] = 0 }
      for order in stride(from: order, through: guest.highestOrder, by: 1) {
        for type in guest.types {
          for page in zone.freeList(order: order, type) { add(guest.pfn(page), zone: zone.index, order: order) }
        }
      }
    }
  }
}

/// Keeps a ``BlockMap``, and requests a run as ``PageReporting`` does.
struct BlockMapHooks: ReportingHooks {
  let map: BlockMap

  static var hasThreshold: Bool { false }

  var words: SharedWords.View { map.words }
  var order: Int { map.order }

  @inline(__always)
  func didAdd(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {
    if order >= map.order { map.add(pfn, zone: zone.index, order: order) }
  }

  @inline(__always)
  func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {
    if order >= map.order { map.remove(pfn, zone: zone.index, order: order) }
  }
}
