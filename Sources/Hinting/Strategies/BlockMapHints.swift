import Delivery
import GuestMemory
import Instruments
import Records

/// Names free blocks from a bitmap that the allocator keeps: reads its words without the lock, and no page at all.
///
/// A list of an aged guest is walked from one cold page to the next, each known only once the one before has arrived. A
/// bitmap is read in address order: 64 blocks a word, 512 a cache line. What it costs is paid where blocks come and go, see
/// ``BlockMap``.
///
/// A word is true of the moment it is read: what is allocated between that and the host's act is named though it is in use,
/// which only a log of writes makes right.
struct BlockMapHints: HintStrategy {
  typealias Hooks = BlockMapHooks

  static var allocatorUse: AllocatorUse { .readsLists }

  static let card = StrategyCard(
    name: "block-map", origin: "this project, 2026",
    summary: "a bitmap of free blocks, kept where they come and go, read without the lock",
    effect: .readsOnly, hasHooks: true, namesParts: true,
    holdBound: "takes no lock",
    sideEffects: "sets or clears a bit under the lock wherever a large block enters or leaves a list",
    limits: "names blocks of the lowest order only",
    options: [
      DeclaredOption(
        "order", .choice(["session"] + (0...10).map(String.init)), default: "session",
        "lowest order, and what one bit stands for; session: what --order says", source: "this project"),
      DeclaredOption(
        "form", .choice(Form.allCases.map(\.rawValue)), default: Form.addresses.rawValue,
        "what the host gets: addresses of blocks, runs of neighbours, or the bitmap itself", source: "this project"),
      .hintBuffer,
    ])

  enum Form: String, CaseIterable {
    case addresses, runs, bitmap
  }

  private struct Memory {
    let words: SharedWords
    let arena: HintArena
    let buffer: HintBuffer
  }

  private let form: Form
  private let pages: Int
  private var memory: Memory?
  private var order = 0
  /// See ``BlockMap/gap``.
  private var gap = 1

  init(_ options: OptionValues) {
    form = Form(rawValue: options.choice("form")) ?? .addresses
    pages = options.integer("buffer")
  }

  var bufferBytes: Int? { memory.map { $0.buffer.capacity * 8 + ($0.words.view.count - BlockMap.first) * 8 } }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    order = max(lowestOrder, guest.granuleOrder)
    gap = BlockMap.gap(guest, order: order)
    let count = BlockMap.wordCount(guest, order: order)
    if memory?.words.view.count != count {
      let arena = try HintArena(bytes: pages * 4096)
      memory = Memory(words: try SharedWords(count: count), arena: arena, buffer: arena.buffer(bytes: pages * 4096))
    }
  }

  var hooks: BlockMapHooks {
    guard let memory else { preconditionFailure("block-map isn't prepared") }
    return BlockMapHooks(map: BlockMap(words: memory.words.view, order: order, gap: gap))
  }

  mutating func reset(_ guest: GuestCore) {
    // Nobody waits for a request, and so none is made.
    hooks.words[ReportingWords.state] = ReportingRequest.requested
    hooks.map.rebuild(guest)
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    guard let buffer = memory?.buffer else { return .noBuffer }
    let core = cpu.core
    let map = cpu.hooks.map
    sink.command()
    var count = 0
    for index in session.zones(core) {
      let zone = core.zone(index)
      let isDone =
        switch form {
        case .addresses: sendAddresses(map, zone, buffer, &sink, session.stop, &count)
        case .runs: sendRuns(map, zone, buffer, &sink, session.stop, &count)
        case .bitmap: sendBitmap(map, zone, buffer, &sink, session.stop)
        }
      if !isDone { return .stopped }
    }
    if count > 0 { sink.send(buffer, words: count, format, descriptors: 1) }
    sink.command()
    return .complete
  }

  private var format: HintFormat { form == .runs ? .runs(order: order) : .address(order: order) }

  /// Returns false if the host stopped it.
  @inline(__always)
  private func sendAddresses<Sink: HintSink>(
    _ map: BlockMap, _ zone: Zone, _ buffer: HintBuffer, _ sink: inout Sink, _ stop: StopFlag, _ count: inout Int
  ) -> Bool {
    let (first, end) = map.words(of: zone)
    let shift = UInt64(truncatingIfNeeded: order &+ 12)
    let index = zone.index
    var filled = count
    defer { count = filled }
    var word = first
    while word < end {
      if stop.isSet { return false }
      var left = map.words[word]
      let start = map.pfn(ofWord: word, zone: index) &<< 12
      word &+= 2
      while left != 0 {
        if filled == buffer.capacity {
          sink.send(buffer, words: filled, format, descriptors: 1)
          filled = 0
        }
        buffer.store(start &+ UInt64(truncatingIfNeeded: left.trailingZeroBitCount) &<< shift, at: filled)
        filled &+= 1
        left &= left &- 1
      }
    }
    return true
  }

  @inline(__always)
  private func sendRuns<Sink: HintSink>(
    _ map: BlockMap, _ zone: Zone, _ buffer: HintBuffer, _ sink: inout Sink, _ stop: StopFlag, _ count: inout Int
  ) -> Bool {
    let (first, end) = map.words(of: zone)
    let shift = UInt64(truncatingIfNeeded: order &+ 12)
    let index = zone.index
    var filled = count
    defer { count = filled }
    var start: UInt64 = 0
    var length: UInt64 = 0
    func close() {
      guard length > 0 else { return }
      if filled &+ 1 >= buffer.capacity {
        sink.send(buffer, words: filled, format, descriptors: 1)
        filled = 0
      }
      buffer.store(start, at: filled)
      buffer.store(length, at: filled &+ 1)
      filled &+= 2
      length = 0
    }
    var word = first
    while word < end {
      if stop.isSet { return false }
      var left = map.words[word]
      var address = map.pfn(ofWord: word, zone: index) &<< 12
      word &+= 2
      var bits: UInt64 = 64
      while left != 0 {
        let gap = UInt64(truncatingIfNeeded: left.trailingZeroBitCount)
        if gap > 0 { close() }
        left &>>= gap
        address &+= gap &<< shift
        bits &-= gap
        let run = UInt64(truncatingIfNeeded: (~left).trailingZeroBitCount)
        if length == 0 { start = address }
        length &+= run &<< shift
        address &+= run &<< shift
        bits &-= run
        // A shift by 64 would leave the word as it is.
        left = run == 64 ? 0 : left &>> run
      }
      if bits > 0 { close() }
    }
    close()
    return true
  }

  /// A copy, so that what the host reads doesn't change under it.
  @inline(__always)
  private func sendBitmap<Sink: HintSink>(
    _ map: BlockMap, _ zone: Zone, _ buffer: HintBuffer, _ sink: inout Sink, _ stop: StopFlag
  ) -> Bool {
    let (first, end) = map.words(of: zone)
    var word = first
    while word < end {
      if stop.isSet { return false }
      let start = map.pfn(ofWord: word, zone: zone.index)
      var filled = 0
      while filled < buffer.capacity && word < end {
        buffer.store(map.words[word], at: filled)
        filled &+= 1
        word &+= 2
      }
      sink.send(buffer, words: filled, .bitmap(order: order, firstPFN: start), descriptors: 1)
    }
    return true
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? { 0 }
}
