@testable import PageStates

/// ``PageStore``'s steps on the model, one at a time.
struct ModelStore: PageStore {
  var replay: Replay<PageModel>
  let cpu: Int
  let cpus: Int
  var mode: HintingMode = .full
  var fault: ProtocolFault?
  private var offset = 0

  init(replay: Replay<PageModel>, cpu: Int, cpus: Int, mode: HintingMode = .full, fault: ProtocolFault? = nil) {
    self.replay = replay
    self.cpu = cpu
    self.cpus = cpus
    self.mode = mode
    self.fault = fault
  }

  private mutating func ask(_ effect: (inout PageModel) -> Bool?) throws(Interruption) -> Bool {
    try replay.step { effect(&$0).map { $0 ? 1 : 0 } } != 0
  }

  private mutating func act(_ effect: (inout PageModel) -> Void) throws(Interruption) {
    _ = try replay.step {
      effect(&$0)
      return 0
    }
  }

  private mutating func find(_ effect: (inout PageModel) -> Int?) throws(Interruption) -> Int? {
    let value = try replay.step { UInt8((effect(&$0) ?? -1) + 1) }
    return value == 0 ? nil : Int(value) - 1
  }

  // MARK: page->flags

  mutating func testAndSet(_ flag: PageFlags, _ page: Int) throws(Interruption) -> Bool {
    // Only ages pages.
    if flag == .referenced { return false }
    let (fault, cpu) = (fault, cpu)
    return try ask { model in
      let was = model.frames[page].flags.contains(flag)
      model.frames[page].flags.insert(flag)
      if flag == .stateChange {
        // Whoever tries to make it volatile no longer relies on it.
        if model.relied[cpu] == page { model.relied[cpu] = -1 }
        if fault == .ignoresStateChange { return false }
      }
      if flag == .discarded && !was && !model.frames[page].state.isDiscarded {
        model.accuse("page \(page) is removed as discarded, and it is \(model.frames[page].state)")
      }
      return flag == .discarded && fault == .ignoresDiscarded ? false : was
    }
  }

  mutating func clear(_ flag: PageFlags, _ page: Int) throws(Interruption) {
    let fault = fault
    try act { model in
      let isLock = flag == .locked || flag == .stateChange && fault != .ignoresStateChange
      if isLock && !model.frames[page].flags.contains(flag) { model.accuse("page \(page) is unlocked twice") }
      model.frames[page].flags.remove(flag)
    }
  }

  mutating func has(_ flag: PageFlags, _ page: Int) throws(Interruption) -> Bool {
    let fault = fault
    return try ask { model in
      let frame = model.frames[page]
      if flag == .discarded && fault == .freesAtOnce { return false }
      if flag == .discarded && fault == .reclaimsBlindly && frame.references > 0 { return false }
      return frame.flags.contains(flag)
    }
  }

  mutating func lock(_ page: Int) throws(Interruption) {
    _ = try ask { model in
      if model.frames[page].flags.contains(.locked) { return nil }
      model.frames[page].flags.insert(.locked)
      return true
    }
  }

  mutating func awaitStateChange(_ page: Int) throws(Interruption) {
    let fault = fault
    _ = try ask { $0.frames[page].flags.contains(.stateChange) && fault != .ignoresStateChange ? nil : true }
  }

  mutating func volatileState(_ page: Int) throws(Interruption) -> StateOperation? {
    let (fault, offset) = (fault, offset)
    let value = try replay.step { model in
      let flags = model.frames[page].flags
      if fault == .looksAtFlagsFirst {
        return Int(model.frames[page].mappings) + offset == Int(model.frames[page].references) ? 1 : 0
      }
      if !flags.allowVolatile && !(fault == .ignoresFlags && flags.contains(.mapping)) { return 0 }
      return flags.contains(.writable) && fault != .forgetsWritable ? 2 : 1
    }
    return [nil, .setVolatile, .setPotentiallyVolatile][Int(value)]
  }

  // MARK: references

  mutating func hasNoOtherUsers(_ page: Int, beside offset: Int) throws(Interruption) -> Bool {
    let fault = fault
    self.offset = offset
    return try ask { model in
      let frame = model.frames[page]
      // The two looks change places.
      if fault == .looksAtFlagsFirst { return frame.flags.allowVolatile }
      return fault == .ignoresReferences || Int(frame.mappings) + offset == Int(frame.references)
    }
  }

  mutating func get(_ page: Int) throws(Interruption) {
    try act { model in
      if model.frames[page].references == 0 { model.accuse("get_page() of page \(page), which nobody has") }
      model.frames[page].references += 1
    }
  }

  mutating func getUnlessZero(_ page: Int) throws(Interruption) -> Bool {
    let fault = fault
    return try ask { model in
      if model.frames[page].references == 0 && fault != .getsAlways { return false }
      model.frames[page].references += 1
      return true
    }
  }

  mutating func put(_ page: Int) throws(Interruption) -> Bool {
    let cpu = cpu
    return try ask { model in
      if model.relied[cpu] == page { model.relied[cpu] = -1 }
      if model.frames[page].references <= 0 {
        model.accuse("page \(page) is put once too often")
        return false
      }
      model.frames[page].references -= 1
      return model.frames[page].references == 0
    }
  }

  // MARK: what the host sees

  mutating func perform(_ operation: StateOperation, _ page: Int) throws(Interruption) -> Bool {
    let (cpu, fault) = (cpu, fault)
    return try ask { model in
      let old = model.frames[page].state
      var operation = operation
      let isStabilising = operation == .stableIfNotDiscarded
      if isStabilising && fault == .ignoresZero { operation = .setStable }
      do throws(IllegalTransition) {
        model.frames[page].state = try old.after(operation)
      } catch {
        model.accuse("\(error)")
      }
      if operation == .stableIfNotDiscarded && old.isDiscarded { return false }
      if isStabilising { model.relied[cpu] = Int8(page) }
      return true
    }
  }

  mutating func testAndClearDirty(_ page: Int) throws(Interruption) -> Bool {
    try ask { model in
      let old = model.frames[page].state
      do throws(IllegalTransition) {
        model.frames[page].state = try old.cleaned()
      } catch {
        model.accuse("\(error)")
      }
      return old.isDirty
    }
  }

  mutating func access(_ page: Int, writes: Bool) throws(Interruption) -> Bool {
    try ask { model in
      guard let state = model.frames[page].state.accessed(writes: writes) else {
        model.accuse("a discard fault of the kernel, which had made page \(page) stable")
        return false
      }
      model.frames[page].state = state
      let index = Int(model.frames[page].index)
      if model.frames[page].content != model.newest[index] { model.accuse("page \(page) has lost its content") }
      if writes {
        model.newest[index] += 1
        model.frames[page].content = model.newest[index]
      }
      return true
    }
  }

  mutating func accessMapped(_ index: Int, writes: Bool) throws(Interruption) -> MappedAccess {
    let (cpu, fault) = (cpu, fault)
    let value = try replay.step { model in
      let page = Int(model.table[index])
      if page < 0 { return 0 }
      if writes && !model.frames[page].flags.contains(.writable) && fault != .writesAnywhere { return 0 }
      guard let state = model.frames[page].state.accessed(writes: writes) else {
        model.inFault[cpu] = true
        return UInt8(2 + page)
      }
      model.frames[page].state = state
      if model.frames[page].content != model.newest[index] { model.accuse("a user reads what was lost") }
      if writes {
        model.newest[index] += 1
        model.frames[page].content = model.newest[index]
      }
      return 1
    }
    return value == 0 ? .notMapped : value == 1 ? .done : .discardFault(page: Int(value) - 2)
  }

  mutating func leaveFault() throws(Interruption) {
    let cpu = cpu
    try act { $0.inFault[cpu] = false }
  }

  mutating func awaitNoFault(cpu: Int) throws(Interruption) { _ = try ask { $0.inFault[cpu] ? nil : true } }

  // MARK: page cache

  mutating func find(_ index: Int) throws(Interruption) -> Int? {
    try find { model in
      let page = Int(model.slots[index])
      if page < 0 { return nil }
      model.frames[page].references += 1
      return page
    }
  }

  mutating func insert(_ page: Int, at index: Int) throws(Interruption) -> Bool {
    try ask { model in
      if model.slots[index] >= 0 { return false }
      model.slots[index] = Int8(page)
      model.frames[page].index = Int8(index)
      model.frames[page].flags.formUnion([.locked, .mapping])
      model.frames[page].references += 1
      return true
    }
  }

  mutating func removeFromCache(_ page: Int) throws(Interruption) {
    try act { model in
      // Only a discarded page is removed this way in what is checked.
      model.frames[page].removals += 1
      if model.frames[page].flags.contains(.mapping) { model.slots[Int(model.frames[page].index)] = -1 }
      model.frames[page].flags.remove(.mapping)
    }
  }

  mutating func removeIfUnused(_ page: Int) throws(Interruption) -> Bool {
    let cpu = cpu
    return try ask { model in
      let frame = model.frames[page]
      guard frame.flags.contains(.mapping), !frame.flags.contains(.dirty), frame.references == 2, frame.mappings == 0
      else { return false }
      if model.relied[cpu] == page { model.relied[cpu] = -1 }
      if !frame.state.isDiscarded && frame.content != model.disk[Int(frame.index)] {
        model.accuse("page \(page) is taken out of the cache and isn't on disk")
      }
      model.slots[Int(frame.index)] = -1
      model.frames[page].flags.remove(.mapping)
      model.frames[page].references = 0
      return true
    }
  }

  mutating func map(_ page: Int, writable: Bool) throws(Interruption) -> Bool {
    let cpu = cpu
    return try ask { model in
      if model.tableOwner >= 0 { return nil }
      let index = Int(model.frames[page].index)
      if model.table[index] >= 0 {
        if writable && Int(model.table[index]) == page { model.frames[page].flags.insert(.writable) }
        return false
      }
      model.tableOwner = Int8(cpu)
      model.table[index] = Int8(page)
      model.frames[page].mappings += 1
      if writable { model.frames[page].flags.insert(.writable) }
      if model.relied[cpu] == page { model.relied[cpu] = -1 }
      return true
    }
  }

  mutating func lockMapped(_ index: Int) throws(Interruption) -> Int? {
    let cpu = cpu
    let value = try replay.step { model in
      if model.tableOwner >= 0 { return nil }
      if model.table[index] >= 0 { model.tableOwner = Int8(cpu) }
      return UInt8(model.table[index] + 1)
    }
    return value == 0 ? nil : Int(value) - 1
  }

  mutating func unlockTable() throws(Interruption) { try act { $0.tableOwner = -1 } }

  mutating func addMapping(_ page: Int) throws(Interruption) { try act { $0.frames[page].mappings += 1 } }

  mutating func removeMapping(_ page: Int) throws(Interruption) -> Bool {
    try ask { model in
      if model.frames[page].mappings < 2 { return false }
      model.frames[page].mappings -= 1
      return true
    }
  }

  mutating func unmap(_ page: Int) throws(Interruption) {
    _ = try ask { model in
      if model.frames[page].mappings == 0 { return true }
      if model.tableOwner >= 0 { return nil }
      model.table[Int(model.frames[page].index)] = -1
      model.frames[page].references -= model.frames[page].mappings
      model.frames[page].mappings = 0
      model.frames[page].flags.remove(.writable)
      return true
    }
  }

  mutating func isMapped(_ page: Int) throws(Interruption) -> Bool { try ask { $0.frames[page].mappings > 0 } }

  // MARK: LRU

  mutating func addToLRU(_ page: Int) throws(Interruption) { try act { $0.frames[page].flags.insert(.lru) } }
  mutating func activate(_ page: Int) throws(Interruption) {}
  mutating func removeFromLRU(_ page: Int) throws(Interruption) { try act { $0.frames[page].flags.remove(.lru) } }

  mutating func isolate(active: Bool) throws(Interruption) -> Int? {
    try find { model in
      guard let page = model.frames.firstIndex(where: { $0.flags.contains(.lru) && $0.references > 0 }) else {
        return nil
      }
      model.frames[page].flags.remove(.lru)
      model.frames[page].references += 1
      return page
    }
  }

  // MARK: allocator and disk

  mutating func allocate() throws(Interruption) -> Int? {
    try find { model in
      guard let page = model.frames.firstIndex(where: \.isFree) else { return nil }
      model.frames[page].isFree = false
      model.frames[page].flags = []
      model.frames[page].references = 1
      model.frames[page].removals = 0
      return page
    }
  }

  mutating func release(_ page: Int) throws(Interruption) {
    try act { model in
      if model.frames[page].isFree { model.accuse("page \(page) is freed twice") }
      model.frames[page].isFree = true
      model.frames[page].index = -1
      model.frames[page].content = 0
      model.frames[page].removals = 0
    }
  }

  mutating func deferRelease(_ page: Int) throws(Interruption) {
    let cpu = cpu
    try act { $0.deferred[cpu] |= 1 << page }
  }

  mutating func nextDeferred() throws(Interruption) -> Int? {
    let cpu = cpu
    return try find { model in
      guard let page = model.frames.indices.first(where: { model.deferred[cpu] & 1 << $0 != 0 }) else { return nil }
      model.deferred[cpu] &= ~(1 << page)
      return page
    }
  }

  mutating func readFromDisk(_ page: Int) throws(Interruption) {
    try act { model in
      model.frames[page].content = model.disk[Int(model.frames[page].index)]
      model.frames[page].state = model.frames[page].state.accessed(writes: false) ?? model.frames[page].state
    }
  }

  mutating func writeToDisk(_ page: Int) throws(Interruption) {
    try act { model in model.disk[Int(model.frames[page].index)] = model.frames[page].content }
  }
}
