import GuestMemory

/// What a guest's users do: they read and write a file in pieces, map it, fork and exit, take and give back memory of
/// their own; beside them the kernel writes back and reclaims. The same seed makes the same wishes in every mode.
///
/// On one thread. Four fifths of the wishes go to a fifth of the file.
public struct PageCacheLoad<Tally: StateTally> {
  private let frames: PageFrames
  public private(set) var store: PageFrames.Store<Tally>
  private var generator: SeededGenerator
  /// Pages that one wish is about.
  private let range: Int
  /// Dirty pages of the file that wait for their write-back.
  private var written: [Int32] = []
  /// Blocks of anonymous memory, the oldest first in a ring.
  private var blocks: [[Int]]
  private var oldest = 0

  /// Pages of the file found in the cache, or mapped and there.
  public private(set) var hits = 0
  /// Pages read in.
  public private(set) var readIns = 0
  /// Pages that wishes were about, anonymous ones included.
  public private(set) var pagesHandled = 0

  /// On pages unused since they were made or reset.
  ///
  /// - Parameters:
  ///   - range: pages that one wish is about, 1 or more; the file and memory are many times that.
  ///   - seed: of all choices.
  public init(_ frames: PageFrames, _ mode: HintingMode, range: Int, seed: UInt64) {
    self.frames = frames
    self.range = range
    store = frames.store(mode, tally: Tally())
    generator = SeededGenerator(seed: seed, stream: 50)
    // An eighth of memory is anonymous.
    blocks = Array(repeating: [], count: max(1, frames.pages / 8 / range))
  }

  /// Pages that are kept free for whoever asks next, beside those of the wish itself.
  private var reserve: Int { frames.pages / 64 + 2 * range }

  /// So many wishes. `host`: looks at `hostLooks` pages after each page that a wish is about.
  public mutating func run(wishes: Int, host: inout HostAgent?, hostLooks: Int = 0) {
    for _ in 0..<wishes {
      step()
      if host != nil { host?.look(at: hostLooks * range, of: frames) }
    }
  }

  /// Counts from here on.
  public mutating func beginCounting() {
    store.tally = Tally()
    hits = 0
    readIns = 0
    pagesHandled = 0
  }

  /// So many requests, with no other thread.
  public mutating func run(wishes: Int) { for _ in 0..<wishes { step() } }

  private mutating func step() {
    let kind = generator.below(100)
    let places = frames.filePages / range
    let isPopular = generator.below(5) > 0
    let first = (isPopular ? generator.below(max(1, places / 5)) : generator.below(places)) * range
    let writes = generator.below(4) == 0
    keepFree()
    pagesHandled += range
    switch kind {
    case 0..<45: for index in first..<first + range { read(index) }
    case 45..<55: for index in first..<first + range { write(index) }
    case 55..<73: for index in first..<first + range { touch(index, writes: writes) }
    case 73..<78: for index in first..<first + range { store.unmapCached(index) }
    case 78..<83: for index in first..<first + range { _ = store.fork(index) }
    case 83..<88: for index in first..<first + range { store.exit(index) }
    case 88..<98: takeBlock()
    case 98: for index in first..<first + range { store.truncate(index) }
    default: writeBackAll()
    }
    if written.count >= 64 * range { writeBackAll() }
  }

  // MARK: what users do

  private mutating func read(_ index: Int) {
    if store.read(index) {
      hits += 1
    } else if let page = readIn(index) {
      _ = store.access(page, writes: false)
      store.markAccessed(page)
      store.putPage(page)
    }
  }

  private mutating func write(_ index: Int) {
    if store.write(index) {
      hits += 1
    } else if let page = readIn(index) {
      store.putPage(page)
      _ = store.write(index)
    }
    written.append(Int32(index))
  }

  private mutating func touch(_ index: Int, writes: Bool) {
    if store.touch(index, writes: writes) {
      hits += 1
    } else {
      if !store.mapCached(index, writable: writes), let page = readIn(index) {
        store.putPage(page)
        _ = store.mapCached(index, writable: writes)
      }
      _ = store.touch(index, writes: writes)
    }
    if writes { written.append(Int32(index)) }
  }

  /// Anonymous memory in the place of the oldest.
  private mutating func takeBlock() {
    let old = blocks[oldest]
    for page in old { store.drop(page) }
    var block: [Int] = []
    block.reserveCapacity(range)
    for _ in 0..<range {
      guard let page = store.allocateStable() else { break }
      _ = store.testAndSet(.anonymous, page)
      _ = store.access(page, writes: true)
      block.append(page)
    }
    blocks[oldest] = block
    oldest = (oldest + 1) % blocks.count
  }

  // MARK: what the kernel does

  private mutating func readIn(_ index: Int) -> Int? {
    guard let page = store.readIn(index) else { return nil }
    readIns += 1
    return page
  }

  private mutating func writeBackAll() {
    for index in written { store.writeBack(Int(index)) }
    written.removeAll(keepingCapacity: true)
  }

  /// Reclaim until enough is free, the lists kept as long as each other.
  private mutating func keepFree() {
    if frames.freePages >= reserve { return }
    store.drainDiscarded()
    var tries = 0
    while frames.freePages < 2 * reserve && tries < 16 * frames.pages {
      tries += 1
      if frames.listed(active: true) > frames.listed(active: false) { _ = store.deactivateOne() }
      if !store.reclaimOne() && !store.deactivateOne() { break }
      // Dirty pages stand in the way.
      if tries % (4 * reserve) == 0 { writeBackAll() }
      if tries % 64 == 0 { store.drainDiscarded() }
    }
  }

  /// Gives everything back: mappings, cache and anonymous memory. Afterwards all pages are free.
  public mutating func end() {
    for block in blocks.indices {
      for page in blocks[block] { store.drop(page) }
      blocks[block] = []
    }
    written = []
    for index in 0..<frames.filePages { store.truncate(index) }
    store.drainDiscarded()
  }
}
