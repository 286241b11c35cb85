import GuestMemory

/// A bit a struct page: the sets that the counts page by page are made of.
struct PageBitmap {
  private var words: [UInt64]
  private let granuleOrder: Int

  init(_ guest: Guest) {
    granuleOrder = guest.core.granuleOrder
    words = Array(repeating: 0, count: Int(guest.geometry.endPFN >> UInt64(granuleOrder)) / 64 + 1)
  }

  mutating func insert(_ block: Block) {
    forEachWord(of: block) { index, mask in words[index] |= mask }
  }

  func containsAll(_ block: Block) -> Bool {
    var all = true
    forEachWord(of: block) { index, mask in if words[index] & mask != mask { all = false } }
    return all
  }

  func containsAny(_ block: Block) -> Bool {
    var any = false
    forEachWord(of: block) { index, mask in if words[index] & mask != 0 { any = true } }
    return any
  }

  /// In pages of 4 KiB.
  var pages: UInt64 { words.reduce(0) { $0 + UInt64($1.nonzeroBitCount) } << UInt64(granuleOrder) }

  /// Pages in both.
  func pages(commonWith other: PageBitmap) -> UInt64 {
    words.indices.reduce(0) { $0 + UInt64((words[$1] & other.words[$1]).nonzeroBitCount) } << UInt64(granuleOrder)
  }

  /// Calls `body` with each word that has bits of the block, and which. Pages outside of the guest have none.
  private func forEachWord(of block: Block, _ body: (Int, UInt64) -> Void) {
    var bit = block.pfn >> UInt64(granuleOrder)
    let end = max((block.end - 1) >> UInt64(granuleOrder) + 1, bit + 1)
    while bit < end {
      let index = Int(bit / 64)
      guard index < words.count else { return }
      let first = bit % 64
      let last = min(64, first + (end - bit))
      let mask = (last == 64 ? UInt64.max : (1 << last) - 1) & ~((1 << first) - 1)
      body(index, mask)
      bit += last - first
    }
  }
}
