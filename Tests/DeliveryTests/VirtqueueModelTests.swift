import GuestMemory
import Synchronization
import Testing

@testable import Delivery

/// A virtqueue against a model that is nothing but lists of chains and counts that never wrap.
@Suite struct VirtqueueModelTests {
  /// What is broken on purpose, to show that the model would see it.
  enum Fault: CaseIterable {
    /// The driver believes in a descriptor more than it has.
    case descriptorLeak
    /// The driver forgets what it added before it decides on a kick.
    case addsForgotten
    /// The device gives back another chain than it says.
    case otherChainUsed
    /// A chain loses its tail on the way.
    case chainCut
    /// A descriptor is overwritten while it is out.
    case bufferOverwritten
    /// The available index is published twice.
    case publishedTwice
    /// The device believes that it has asked for notifications, and has not.
    case eventNotSet
    /// The driver's wish for interrupts is turned round.
    case interruptWishTurned
  }

  @Test(arguments: Seeds.list, [32, 128, 1024]) func aQueueDoesWhatTheModelDoes(seed: UInt64, size: Int) throws {
    print("seed \(seed)")
    for usesEventIndex in [false, true] {
      var model = try ModelRun(size: size, usesEventIndex: usesEventIndex, seed: seed, fault: nil)
      let failure = try model.run(steps: 3000)
      #expect(failure == nil, "seed \(seed), size \(size), event index \(usesEventIndex)")
    }
  }

  @Test(arguments: Fault.allCases) func theModelSeesEachInjectedFault(fault: Fault) throws {
    var model = try ModelRun(size: 32, usesEventIndex: true, seed: 1, fault: fault)
    let failure = try model.run(steps: 3000)
    #expect(failure != nil)
  }
}

private struct ModelRun {
  struct Chain: Equatable {
    var id: Int
    var buffers: [VirtqueueChain.Buffer]
  }

  let queue: Virtqueue
  let fault: VirtqueueModelTests.Fault?
  var random: SeededGenerator

  // The model. Counts of chains since the start, which don't wrap.
  var published: [Chain] = []
  var popped: [Chain] = []
  var used: [(chain: Chain, length: UInt32)] = []
  var (added, decided, taken, pushed, detached) = (0, 0, 0, 0, 0)
  var (notifications, interrupts) = (true, true)
  var (availableEvent, usedEvent) = (0, 0)

  init(size: Int, usesEventIndex: Bool, seed: UInt64, fault: VirtqueueModelTests.Fault?) throws {
    queue = try Virtqueue(size: size, usesEventIndex: usesEventIndex)
    self.fault = fault
    random = SeededGenerator(seed: seed)
    // Every other seed starts shortly before the indices wrap.
    if seed % 2 == 0 {
      let start = 65536 - 700
      try queue.cycle(start)
      _ = queue.driver.kickPrepare()
      (added, decided, taken, pushed, detached) = (start, start, start, start, start)
      // avail_event is still 0: it moves when the device finds the ring empty, which it never did.
      usedEvent = start
    }
  }

  /// Whether one of the entries `from` ..< `to` is the one an event field names.
  private func crosses(_ event: Int, from: Int, to: Int) -> Bool {
    (from..<to).contains { ($0 - event) % 65536 == 0 }
  }

  private var descriptorsOut: Int {
    (published + popped + used.map(\.chain)).reduce(0) { $0 + $1.buffers.count }
  }

  /// The first thing that differs; nil if nothing did.
  mutating func run(steps: Int) throws -> String? {
    for step in 0..<steps {
      let failure: String?
      do {
        failure = try self.step() ?? invariants()
      } catch let error as VirtqueueFault {
        failure = "\(error)"
      }
      if let failure { return "step \(step): \(failure)" }
    }
    return nil
  }

  private mutating func step() throws -> String? {
    let broken = random.chance(0.02)
    switch random.below(16) {
    case 0..<5: return add(broken)
    case 5, 6: return decide(broken)
    case 7..<10: return try pop()
    case 10..<12: return push(broken)
    case 12..<14: return detach(broken)
    case 14: return setNotifications(broken)
    default: return setInterrupts()
    }
  }

  private mutating func add(_ broken: Bool) -> String? {
    let driver = queue.driver
    let size = queue.layout.size
    let count = random.chance(0.6) ? 1 : 1 + random.below(random.chance(0.1) ? size + 2 : 6)
    let deviceWrites = random.chance(0.7)
    let fits = count <= size - descriptorsOut
    let before = fits ? [] : queue.bytes
    let buffers = (0..<count).map { _ in
      VirtqueueChain.Buffer(
        address: random.next(), length: UInt32(truncatingIfNeeded: random.next()), deviceWrites: deviceWrites)
    }
    let id = driver.nextID
    let done =
      count == 1 && random.chance(0.5)
      ? driver.add(address: buffers[0].address, length: buffers[0].length, deviceWrites: deviceWrites)
      : driver.addChain(count: count, deviceWrites: deviceWrites) { (buffers[$0].address, buffers[$0].length) }
    guard done == fits else { return "adding \(count) gave \(done) with \(descriptorsOut) of \(size) out" }
    guard done else { return queue.bytes == before ? nil : "a refused add wrote something" }
    published.append(Chain(id: id, buffers: buffers))
    added += 1
    if broken { spoil(id) }
    return nil
  }

  private func spoil(_ id: Int) {
    switch fault {
    case .descriptorLeak: queue.driver.state.pointee.free += 1
    case .chainCut: queue.memory.descriptors.storeBytes(of: 2, toByteOffset: 16 * id + 12, as: UInt16.self)
    case .bufferOverwritten: queue.memory.descriptors.storeBytes(of: 1, toByteOffset: 16 * id, as: UInt64.self)
    case .publishedTwice:
      queue.memory.availableIndex.pointee.wrappingAdd(1, ordering: .releasing)
      queue.driver.state.pointee.availableIndex &+= 1
    default: break
    }
  }

  private mutating func decide(_ broken: Bool) -> String? {
    if broken, fault == .addsForgotten { queue.driver.state.pointee.added = 0 }
    let expected = queue.usesEventIndex ? crosses(availableEvent, from: decided, to: added) : notifications
    decided = added
    let kick = queue.driver.kickPrepare()
    return kick == expected ? nil : "a kick was decided \(kick), not \(expected)"
  }

  private mutating func pop() throws -> String? {
    let chain = try queue.device.pop()
    guard let first = published.first else {
      if notifications { availableEvent = taken }
      return chain == nil ? nil : "a chain came out of an empty ring"
    }
    guard let chain else { return "a published chain was not popped" }
    guard chain.head == first.id else { return "chain \(chain.head) was popped, not \(first.id)" }
    guard chain.buffers == first.buffers else { return "chain \(chain.head) was popped with other buffers" }
    guard chain.bytes == first.buffers.reduce(0, { $0 + UInt64($1.length) }) else { return "its bytes differ" }
    popped.append(published.removeFirst())
    taken += 1
    return nil
  }

  private mutating func push(_ broken: Bool) -> String? {
    guard !popped.isEmpty else { return nil }
    // Any of them: the order of use is the device's.
    let chain = popped.remove(at: random.below(popped.count))
    let length = UInt32(truncatingIfNeeded: random.next())
    let expected =
      queue.usesEventIndex ? crosses(usedEvent, from: pushed, to: pushed + 1) : interrupts
    if broken, fault == .interruptWishTurned {
      queue.memory.usedEvent.pointee.store(
        UInt16(truncatingIfNeeded: expected ? pushed - 1 : pushed), ordering: .relaxed)
    }
    let interrupt = queue.device.push(
      head: broken && fault == .otherChainUsed ? (popped.first?.id ?? chain.id) : chain.id, length: length)
    used.append((chain, length))
    pushed += 1
    return interrupt == expected ? nil : "an interrupt was decided \(interrupt), not \(expected)"
  }

  private mutating func detach(_ broken: Bool) -> String? {
    let back = queue.driver.detachUsed()
    guard let first = used.first else { return back == nil ? nil : "a chain came back that was not used" }
    guard let back else { return "a used chain did not come back" }
    used.removeFirst()
    detached += 1
    if interrupts { usedEvent = detached }
    let expected = UsedChain(id: first.chain.id, descriptors: first.chain.buffers.count, length: first.length)
    return back == expected ? nil : "\(back) came back, not \(expected)"
  }

  private mutating func setNotifications(_ broken: Bool) -> String? {
    notifications = random.chance(0.5)
    let waiting = queue.device.setNotifications(notifications)
    if notifications { availableEvent = taken }
    if broken, fault == .eventNotSet {
      queue.memory.availableEvent.pointee.store(UInt16(truncatingIfNeeded: taken - 2000), ordering: .relaxed)
    }
    return waiting == !published.isEmpty ? nil : "a device was told \(waiting) with \(published.count) waiting"
  }

  private mutating func setInterrupts() -> String? {
    interrupts = random.chance(0.5)
    let waiting = queue.driver.setInterrupts(interrupts)
    usedEvent = interrupts ? detached : detached - 1
    return waiting == !used.isEmpty ? nil : "a driver was told \(waiting) with \(used.count) waiting"
  }

  private func invariants() -> String? {
    let (driver, size) = (queue.driver, queue.layout.size)
    let out = descriptorsOut
    if driver.descriptorsFree + driver.inFlight != size {
      return "\(driver.descriptorsFree) free and \(driver.inFlight) in flight of \(size)"
    }
    if driver.inFlight != out { return "\(driver.inFlight) in flight, not \(out)" }
    if Int(queue.outstanding) > size { return "avail.idx - used.idx is \(queue.outstanding)" }
    if Int(queue.outstanding) != published.count + popped.count { return "\(queue.outstanding) chains with the device" }
    if driver.isBroken { return "the driver gave the queue up" }
    return nil
  }
}
