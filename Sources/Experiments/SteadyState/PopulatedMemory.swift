import GuestMemory

/// What a host has populated of a guest's memory, by the virtual clock: reports take pages away, users bring them back.
///
/// The host maps the memory in 4 KiB pages, or in 2 MiB ones as with transparent huge pages: then the first touch of an
/// empty frame of 2 MiB populates all of it, and a report of less than a frame splits its mapping. A split frame stays in
/// 4 KiB pages: MADV_DONTNEED leaves its page table in place (zap_pte_range(); since 6.14 a host can free it, which isn't
/// modelled, nor is khugepaged). What is populated is what a host counts as resident; of a split page the kernel frees
/// nothing before the whole of it is unmapped or memory is tight (deferred_split_huge_page()).
final class PopulatedMemory {
  private static let framePages = 512
  private static let frameWords = framePages / 64

  private let usesHugePages: Bool
  /// Bits of pages, eight words a frame: those that exist, and those of them that are populated.
  private var present: [UInt64]
  private var populated: [UInt64]
  /// The populated pages of each frame.
  private var counts: [Int32]
  private var frames: [Frame]
  /// All pages of the guest.
  let pages: UInt64
  private(set) var populatedPages: UInt64
  /// Mappings of 2 MiB that a report has split.
  private(set) var splits = 0

  private enum Frame: UInt8 {
    /// Nothing of it has been mapped since it was last wholly unmapped.
    case empty
    /// One mapping of 2 MiB.
    case huge
    /// Pages of 4 KiB, in which it stays.
    case small
    /// Pages of 4 KiB where a mapping of 2 MiB was, in which it stays.
    case split
  }

  /// Creates the host of a guest that has been up for a while: all of it is populated. Complexity: O(pages).
  init(_ core: GuestCore, usesHugePages: Bool) {
    self.usesHugePages = usesHugePages
    let zones = core.zones
    let end = Int(zones.map(\.endPFN).max() ?? 0)
    let frameCount = (end + Self.framePages - 1) / Self.framePages
    present = [UInt64](repeating: 0, count: frameCount * Self.frameWords)
    for zone in zones {
      for pfn in zone.startPFN..<zone.endPFN { present[Int(pfn / 64)] |= 1 << (pfn % 64) }
    }
    populated = present
    counts = [Int32](repeating: 0, count: frameCount)
    frames = [Frame](repeating: .small, count: frameCount)
    var all: UInt64 = 0
    for frame in 0..<frameCount {
      let count = present[frame * Self.frameWords..<(frame + 1) * Self.frameWords].reduce(0) { $0 + $1.nonzeroBitCount }
      counts[frame] = Int32(count)
      // A frame that isn't wholly memory can't be mapped as one.
      if usesHugePages && count == Self.framePages { frames[frame] = .huge }
      all += UInt64(count)
    }
    pages = all
    populatedPages = all
  }

  /// A report: the host gives these pages back to its own system.
  func discard(_ block: Block) {
    forEachFrame(block) { frame, words, mask in
      switch frames[frame] {
      case .empty: return
      case .huge where words.count == Self.frameWords && mask == .max: frames[frame] = .empty
      case .huge:
        frames[frame] = .split
        splits += 1
      case .small, .split: break
      }
      for word in words {
        let gone = populated[word] & mask
        populated[word] ^= gone
        counts[frame] -= Int32(gone.nonzeroBitCount)
        populatedPages -= UInt64(gone.nonzeroBitCount)
      }
    }
  }

  /// A user of the guest writes all pages of a block. Returns the first touches that the host has to answer.
  func touch(_ block: Block) -> FirstTouches {
    var touches = FirstTouches()
    forEachFrame(block) { frame, words, mask in
      if frames[frame] == .empty {
        frames[frame] = .huge
        touches.huge += 1
        for word in frame * Self.frameWords..<(frame + 1) * Self.frameWords { populated[word] = .max }
        counts[frame] = Int32(Self.framePages)
        populatedPages += UInt64(Self.framePages)
        return
      }
      var missing = 0
      for word in words {
        let new = present[word] & mask & ~populated[word]
        populated[word] |= new
        missing += new.nonzeroBitCount
      }
      guard missing > 0 else { return }
      counts[frame] += Int32(missing)
      populatedPages += UInt64(missing)
      if frames[frame] == .split { touches.split += missing } else { touches.small += missing }
    }
    return touches
  }

  /// Calls `body` with each frame of a block, its words, and the mask for each of them.
  private func forEachFrame(_ block: Block, _ body: (_ frame: Int, _ words: Range<Int>, _ mask: UInt64) -> Void) {
    let (first, count) = (Int(block.pfn), Int(block.pages))
    guard first + count <= present.count * 64 else { return }
    if count < 64 {
      // A block is aligned to its size, so that it lies within a word.
      body(first / Self.framePages, first / 64..<first / 64 + 1, ((1 << UInt64(count)) - 1) << UInt64(first % 64))
      return
    }
    var word = first / 64
    let end = (first + count) / 64
    while word < end {
      let last = min(end, (word / Self.frameWords + 1) * Self.frameWords)
      body(word / Self.frameWords, word..<last, .max)
      word = last
    }
  }
}

/// First touches of memory that a host had taken, by the page that the host populates.
struct FirstTouches: Hashable {
  /// Pages of 4 KiB in a mapping of such pages.
  var small = 0
  /// Pages of 4 KiB where a report had split a mapping of 2 MiB.
  var split = 0
  /// Pages of 2 MiB.
  var huge = 0

  /// The populated pages of 4 KiB.
  var pages: Int { small + split + 512 * huge }

  static func += (left: inout FirstTouches, right: FirstTouches) {
    left.small += right.small
    left.split += right.split
    left.huge += right.huge
  }
}
