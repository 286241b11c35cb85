import GuestMemory

/// A guest's load: its users read and write a file in pieces, map it, fork and exit, and allocate and free their own
/// memory, while the kernel writes back and reclaims. The same seed gives the same requests in every mode.
///
/// Runs on one thread. Four fifths of the requests go to a fifth of the file.
public struct PageCacheLoad<Tally: StateTally> {
  private let frames: PageFrames
  public private(set) var store: PageFrames.Store<Tally>
  private var generator: SeededGenerator
  /// Pages per request.
  private let range: Int
  /// The file's dirty pages awaiting write-back.
  private var written: [Int32] = []
  /// Blocks of anonymous memory, in a ring, oldest first.
  private var blocks: [[Int]]
  private var oldest = 0

  /// File pages found in the cache, or mapped and present.
  public private(set) var hits = 0
  /// Pages read in.
  public private(set) var readIns = 0
  /// Pages that were requested, anonymous ones included.
  public private(set) var pagesHandled = 0

  /// Creates a load on pages that are unused since they were created or reset.
  ///
  /// - Parameters:
  ///   - range: pages per request, at least 1; the file and memory must be many times larger.
  ///   - seed: the seed of all choices.
  public init(_ frames: PageFrames, _ mode: HintingMode, range: Int, seed: UInt64) {
    self.frames = frames
    self.range = range
    store = frames.store(mode, tally: Tally())
    generator = SeededGenerator(seed: seed, stream: 50)
    // An eighth of memory is anonymous.
    blocks = Array(repeating: [], count: max(1, frames.pages / 8 / range))
  }

  /// Pages kept free for the next request, beside the request's own.
  private var reserve: Int { frames.pages / 64 + 2 * range }

  /// Makes `wishes` requests. `host`: looks at `hostLooks` pages after each requested page.
  public mutating func run(wishes: Int, host: inout HostAgent?, hostLooks: Int = 0) {
    for _ in 0..<wishes {
      step()
      if host != nil { host?.look(at: hostLooks * range, of: frames) }
    }
  }

  /// Starts counting.
  public mutating func beginCounting() {
    store.tally = Tally()
    hits = 0
    readIns = 0
    pagesHandled = 0
  }

  /// Makes `wishes` requests, without a host.
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

  /// Replaces the oldest block of anonymous memory.
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

  /// Reclaims until enough is free, and keeps the LRU lists equally long.
  private mutating func keepFree() {
    if frames.freePages >= reserve { return }
    store.drainDiscarded()
    var tries = 0
    while frames.freePages < 2 * reserve && tries < 16 * frames.pages {
      tries += 1
      if frames.listed(active: true) > frames.listed(active: false) { _ = store.deactivateOne() }
      if !store.reclaimOne() && !store.deactivateOne() { break }
      // Dirty pages can't be reclaimed.
      if tries % (4 * reserve) == 0 { writeBackAll() }
      if tries % 64 == 0 { store.drainDiscarded() }
    }
  }

  /// Releases everything: mappings, cache and anonymous memory. Afterwards all pages are free.
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
