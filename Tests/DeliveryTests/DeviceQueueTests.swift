import Synchronization
import Testing

@testable import Delivery

@Suite struct DeviceQueueTests {
  /// One way to break a published chain of three writable descriptors 0, 1, 2 in a queue of 32.
  struct Malformation: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let expected: VirtqueueFault
    let spoil: @Sendable (Virtqueue) -> Void

    init(_ name: String, _ expected: VirtqueueFault, _ spoil: @escaping @Sendable (Virtqueue) -> Void) {
      testDescription = name
      self.expected = expected
      self.spoil = spoil
    }
  }

  private static func set(_ queue: Virtqueue, _ index: Int, flags: UInt16, next: UInt16) {
    queue.memory.writeDescriptor(index, address: 0, length: 1, flags: flags, next: next)
  }

  static let malformations = [
    Malformation("a descriptor follows itself", .loop(head: 0)) { set($0, 0, flags: 3, next: 0) },
    Malformation("the last leads back to the first", .loop(head: 0)) { set($0, 2, flags: 3, next: 0) },
    Malformation("the chain enters a loop it doesn't start in", .loop(head: 0)) { set($0, 2, flags: 3, next: 1) },
    Malformation("one more than the queue has", .loop(head: 0)) { queue in
      for index in 0..<32 { set(queue, index, flags: 3, next: UInt16(index + 1) % 32) }
    },
    Malformation("next is just out of range", .nextOutOfRange(head: 0, next: 32)) { set($0, 1, flags: 3, next: 32) },
    Malformation("next is far out of range", .nextOutOfRange(head: 0, next: 65535)) {
      set($0, 1, flags: 3, next: 65535)
    },
    Malformation("a readable part last", .readableAfterWritable(head: 0)) { set($0, 2, flags: 0, next: 0) },
    Malformation("a readable part between", .readableAfterWritable(head: 0)) { set($0, 1, flags: 1, next: 2) },
    Malformation("an indirect table", .indirect(head: 0)) { set($0, 1, flags: 4, next: 0) },
    Malformation("a head just out of range", .headOutOfRange(head: 32)) { $0.memory.availableEntry(0).pointee = 32 },
    Malformation("a head far out of range", .headOutOfRange(head: 65535)) {
      $0.memory.availableEntry(0).pointee = 65535
    },
    Malformation("the index jumped ahead", .availableIndexJumped(ahead: 33)) {
      $0.memory.availableIndex.pointee.store(33, ordering: .releasing)
    },
    Malformation("the index went back", .availableIndexJumped(ahead: 65535)) {
      $0.memory.availableIndex.pointee.store(65535, ordering: .releasing)
    },
  ]

  private func queueWithAChain() throws -> Virtqueue {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    guard queue.driver.addChain(count: 3, deviceWrites: true, { _ in (0, 1) }) else {
      throw TestFailure("no room in an empty queue")
    }
    return queue
  }

  @Test(arguments: malformations) func aMalformedChainIsRefusedEachTimeAndNothingIsUsed(_ case: Malformation) throws {
    let queue = try queueWithAChain()
    `case`.spoil(queue)
    let used = queue.memory.usedIndex.pointee.load(ordering: .acquiring)
    for _ in 0..<3 { #expect(throws: `case`.expected) { try queue.device.pop() } }
    #expect(queue.memory.usedIndex.pointee.load(ordering: .acquiring) == used)
  }

  /// The cases above fail by what was spoilt, not by what they are spoilt from.
  @Test func theSameChainUnspoiltIsTaken() throws {
    let queue = try queueWithAChain()
    let chain = try #require(try queue.device.pop())
    #expect(chain.head == 0 && chain.descriptors == 3 && chain.bytes == 3)
    #expect(queue.outstanding == 1)
  }

  @Test func readablePartsMayComeBeforeWritableOnes() throws {
    let queue = try queueWithAChain()
    Self.set(queue, 0, flags: 1, next: 1)
    Self.set(queue, 1, flags: 1, next: 2)
    let chain = try #require(try queue.device.pop())
    #expect(chain.buffers.map(\.deviceWrites) == [false, false, true])
  }

  @Test func aPopFromAnEmptyRingIsNil() throws {
    for usesEventIndex in [false, true] {
      let queue = try Virtqueue(size: 32, usesEventIndex: usesEventIndex)
      #expect(try queue.device.pop() == nil)
      #expect(!queue.device.hasAvailable)
      try queue.cycle(100)
      #expect(try queue.device.pop() == nil)
    }
  }

  /// Two chains popped, pushed the other way round, and the ring's order is the pushes'.
  @Test func chainsMayBeUsedInAnyOrder() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    let (driver, device) = (queue.driver, queue.device)
    for count in 1...5 { #expect(driver.addChain(count: count, deviceWrites: false) { _ in (0, 1) }) }
    var popped: [VirtqueueChain] = []
    while let chain = try device.pop() { popped.append(chain) }
    #expect(popped.map(\.head) == [0, 1, 3, 6, 10])
    for index in [3, 0, 4, 2, 1] { _ = device.push(head: popped[index].head, length: 0) }
    var back: [Int] = []
    while let used = driver.detachUsed() { back.append(used.descriptors) }
    #expect(back == [4, 1, 5, 3, 2])
    #expect(driver.descriptorsFree == 32)
    // The free list is whole: all 32 can go out again, each once.
    var ids: Set<Int> = []
    for _ in 0..<32 {
      ids.insert(driver.nextID)
      #expect(driver.add(address: 0, length: 0, deviceWrites: true))
    }
    #expect(ids == Set(0..<32))
  }

  /// With notifications enabled a device need not ask again: running empty sets the event.
  @Test func runningEmptyAsksForTheNextKick() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    for round in 0..<100 {
      #expect(queue.driver.add(address: 0, length: 1, deviceWrites: true))
      #expect(queue.driver.kickPrepare(), "round \(round)")
      while let chain = try queue.device.pop() { _ = queue.device.push(head: chain.head, length: 0) }
      #expect(queue.driver.detachUsed() != nil)
    }
  }
}
