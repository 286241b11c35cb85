@testable import PageStates

/// Pages, a file and its mapping as the protocol sees them, with what no kernel knows: whether the content is right,
/// and who relies on it.
struct PageModel: ModelMemory {
  struct Frame: Hashable {
    var state: PageState
    var flags: PageFlags = []
    var references: Int8 = 0
    var mappings: Int8 = 0
    var index: Int8 = -1
    /// Version of the file's page that it holds.
    var content: UInt8 = 0
    /// Times it was removed because it was discarded, since it was allocated.
    var removals: UInt8 = 0
    var isFree = true
  }

  var frames: [Frame]
  /// By page of the file: the page that caches it, or -1.
  var slots: [Int8]
  var table: [Int8]
  var tableOwner: Int8 = -1
  /// By CPU: pages on its list of discarded ones, a bit each.
  var deferred: [UInt8]
  var inFault: [Bool]
  /// By CPU: the page whose content it may rely on, or -1.
  var relied: [Int8]
  /// By page of the file: the version on disk and the newest one.
  var disk: [UInt8]
  var newest: [UInt8]
  /// Whether the host also swaps.
  var swaps = false
  var violations: [String] = []

  init(pages: Int, filePages: Int, cpus: Int) {
    frames = Array(repeating: Frame(state: PageState(.unused, .zero)), count: pages)
    slots = Array(repeating: -1, count: filePages)
    table = slots
    deferred = Array(repeating: 0, count: cpus)
    inFault = Array(repeating: false, count: cpus)
    relied = Array(repeating: -1, count: cpus)
    disk = Array(repeating: 1, count: filePages)
    newest = disk
  }

  /// Page `index` of the file in page `page` of memory, volatile as after its reading in.
  mutating func cache(_ index: Int, in page: Int, _ state: PageState = PageState(.volatile, .resident)) {
    frames[page] = Frame(
      state: state, flags: [.mapping, .uptodate, .lru], references: 1, index: Int8(index), content: newest[index],
      isFree: false)
    slots[index] = Int8(page)
  }

  mutating func map(_ index: Int, writable: Bool = false) {
    let page = Int(slots[index])
    table[index] = slots[index]
    frames[page].references += 1
    frames[page].mappings = 1
    if writable { frames[page].flags.insert(.writable) }
  }

  mutating func accuse(_ text: String) { if violations.isEmpty { violations = [text] } }

  // MARK: the host

  var outside: [PageModel] {
    var next: [PageModel] = []
    for page in frames.indices {
      let frame = frames[page]
      switch frame.state.reclaim {
      case .discarded?:
        var model = self
        model.frames[page].state = frame.state.withoutFrame
        let index = Int(frame.index)
        if frame.flags.contains(.mapping) && frame.content != disk[index] {
          model.accuse("the host discards what isn't on disk")
        }
        model.frames[page].content = 0
        next.append(model)
      case .freed?, .preserved?:
        guard swaps else { continue }
        var model = self
        model.frames[page].state = frame.state.withoutFrame
        next.append(model)
      case nil: break
      }
    }
    return next
  }

  // MARK: what must hold

  func faults() -> [String] {
    var faults: [String] = []
    for (cpu, page) in relied.enumerated() where page >= 0 && frames[Int(page)].state.guest != .stable {
      faults.append("CPU \(cpu) relies on page \(page), which is \(frames[Int(page)].state)")
    }
    for (page, frame) in frames.enumerated() {
      if frame.removals > 1 { faults.append("page \(page) is removed \(frame.removals) times") }
      if frame.references < frame.mappings { faults.append("page \(page) has fewer references than mappings") }
      if frame.isFree && (frame.references != 0 || frame.state.guest != .unused) {
        faults.append("page \(page) is free with \(frame.references) references in \(frame.state)")
      }
      if frame.isFree && !frame.flags.isDisjoint(with: [.mapping, .lru]) {
        faults.append("page \(page) is free and in the cache or on a list")
      }
      if frame.state.host == .preserved && frame.state.guest == .volatile { faults.append("Vp") }
    }
    return faults
  }

  func faultsAtEnd() -> [String] {
    var faults: [String] = []
    for (page, frame) in frames.enumerated() where !frame.isFree {
      let waits = deferred.contains { $0 & 1 << page != 0 }
      let expected = frame.mappings + (frame.flags.contains(.mapping) ? 1 : 0)
      if frame.references != expected {
        faults.append("page \(page): \(frame.references) references, \(expected) known")
      }
      if frame.references == 0 && !waits { faults.append("page \(page) is lost") }
      if !frame.flags.isDisjoint(with: [.locked, .stateChange, .writeback]) {
        faults.append("page \(page) is left locked")
      }
      if frame.flags.contains(.discarded) != (frame.removals == 1) { faults.append("page \(page) isn't removed") }
    }
    if tableOwner >= 0 { faults.append("the page table is left locked") }
    return faults
  }
}
