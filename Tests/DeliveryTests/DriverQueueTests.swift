import Testing

@testable import Delivery

@Suite struct DriverQueueTests {
  @Test(arguments: [32, 128, 1024], [false, true])
  func aFullRingRefusesMoreAndLeavesEveryByteAsItWas(size: Int, usesEventIndex: Bool) throws {
    let queue = try Virtqueue(size: size, usesEventIndex: usesEventIndex)
    let driver = queue.driver
    for index in 0..<size {
      #expect(driver.descriptorsFree == size - index)
      #expect(driver.inFlight == index)
      #expect(driver.add(address: UInt64(index), length: 8, deviceWrites: true))
    }
    #expect(queue.outstanding == UInt16(size))
    let before = queue.bytes
    #expect(!driver.add(address: 1, length: 1, deviceWrites: true))
    #expect(!driver.addChain(count: 2, deviceWrites: false) { _ in (1, 1) })
    #expect(queue.bytes == before)
    // One back, one in: and the comparison above sees an add.
    let chain = try #require(try queue.device.pop())
    _ = queue.device.push(head: chain.head, length: 0)
    #expect(driver.detachUsed()?.id == chain.head)
    #expect(driver.add(address: 1, length: 1, deviceWrites: true))
    #expect(queue.bytes != before)
    #expect(!driver.add(address: 1, length: 1, deviceWrites: true))
  }

  @Test func aChainThatDoesNotFitIsRefusedWholeAndItsBuffersAreNotAskedFor() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    let driver = queue.driver
    #expect(driver.addChain(count: 30, deviceWrites: true) { (UInt64($0), 4096) })
    let before = queue.bytes
    var asked = 0
    for count in [3, 4, 32, 33, 1000, 65536, 65537, Int.max] {
      #expect(
        !driver.addChain(count: count, deviceWrites: true) { _ in
          asked += 1
          return (0, 0)
        })
    }
    #expect(asked == 0)
    #expect(queue.bytes == before)
    #expect(driver.addChain(count: 2, deviceWrites: true) { _ in (0, 0) })
    #expect(driver.descriptorsFree == 0)
  }

  @Test(arguments: [1, 2, 32, 128, 1024, 32768]) func aChainMayBeAsLongAsTheQueue(size: Int) throws {
    let queue = try Virtqueue(size: size, usesEventIndex: true)
    for round in 0..<3 {
      #expect(
        queue.driver.addChain(count: size, deviceWrites: true) { (UInt64($0 + round) << 22, UInt32($0)) })
      #expect(queue.driver.descriptorsFree == 0 && queue.driver.inFlight == size)
      let chain = try #require(try queue.device.pop())
      #expect(chain.descriptors == size)
      #expect(
        chain.buffers
          == (0..<size).map { .init(address: UInt64($0 + round) << 22, length: UInt32($0), deviceWrites: true) })
      _ = queue.device.push(head: chain.head, length: 7)
      #expect(queue.driver.detachUsed() == UsedChain(id: chain.head, descriptors: size, length: 7))
      #expect(queue.driver.descriptorsFree == size && queue.driver.inFlight == 0)
    }
  }

  @Test(arguments: [false, true]) func indicesRunPast65536AndNothingIsLost(usesEventIndex: Bool) throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: usesEventIndex)
    let (driver, device) = (queue.driver, queue.device)
    var (sent, popped, back) = (0, 0, 0)
    while back < 70_000 {
      while driver.add(address: UInt64(sent), length: 1, deviceWrites: true) { sent += 1 }
      while let chain = try device.pop() {
        if chain.buffers.first?.address != UInt64(popped) { throw TestFailure("chain \(popped) is another") }
        _ = device.push(head: chain.head, length: UInt32(popped))
        popped += 1
      }
      while let used = driver.detachUsed() {
        if used.length != UInt32(back) { throw TestFailure("chain \(back) came back as \(used)") }
        back += 1
      }
    }
    #expect(sent == popped && popped == back)
    #expect(driver.descriptorsFree == 32 && driver.inFlight == 0)
    // The index really went round.
    #expect(queue.memory.availableIndex.pointee.load(ordering: .acquiring) == UInt16(truncatingIfNeeded: sent))
    #expect(sent > 65536)
  }

  /// The driver looks back 65535 entries at most; what was crossed before must still bring a kick.
  @Test func anEventCrossedMoreThan65535AddsAgoIsStillKickedFor() throws {
    let queue = try Virtqueue(size: 128, usesEventIndex: true)
    // The device polls; its event stays at entry 0, which the first add crosses.
    _ = queue.device.setNotifications(false)
    try queue.cycle(65536)
    // The rule alone sees nothing any more: 65536 adds are a distance of 0.
    #expect(!EventIndex.isDue(event: 0, new: UInt16(truncatingIfNeeded: 65536), old: 0))
    #expect(queue.driver.kickPrepare())
    #expect(!queue.driver.kickPrepare())
  }

  @Test func aKickIsForTheAddsSinceTheLastDecisionOnly() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    let driver = queue.driver
    #expect(!driver.kickPrepare())
    #expect(driver.add(address: 0, length: 1, deviceWrites: true))
    #expect(driver.add(address: 0, length: 1, deviceWrites: true))
    #expect(driver.kickPrepare())
    // Entry 0 was crossed, and decided on.
    #expect(driver.add(address: 0, length: 1, deviceWrites: true))
    #expect(!driver.kickPrepare())
    // The device runs empty and asks for the next.
    while let chain = try queue.device.pop() { _ = queue.device.push(head: chain.head, length: 0) }
    while driver.detachUsed() != nil {}
    #expect(driver.add(address: 0, length: 1, deviceWrites: true))
    #expect(driver.kickPrepare())
  }

  @Test func withFlagsEveryDecisionFollowsTheDevicesWish() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: false)
    let driver = queue.driver
    for enabled in [true, false, true, false, false, true] {
      _ = queue.device.setNotifications(enabled)
      #expect(driver.add(address: 0, length: 1, deviceWrites: true))
      #expect(driver.kickPrepare() == enabled)
    }
  }

  @Test(arguments: [false, true]) func aUsedChainBringsAnInterruptOnlyWhereOneIsWanted(usesEventIndex: Bool) throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: usesEventIndex)
    let (driver, device) = (queue.driver, queue.device)
    for enabled in [true, false, true, true, false, false, true] {
      #expect(!driver.setInterrupts(enabled))
      #expect(driver.add(address: 0, length: 1, deviceWrites: true))
      let chain = try #require(try device.pop())
      #expect(device.push(head: chain.head, length: 0) == enabled)
      #expect(driver.detachUsed() != nil)
    }
  }

  /// Used between the driver's last look and its asking for interrupts: no interrupt comes, but the asking tells.
  @Test(arguments: [false, true]) func askingForInterruptsLooksAtTheRingAgain(usesEventIndex: Bool) throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: usesEventIndex)
    let (driver, device) = (queue.driver, queue.device)
    driver.setInterrupts(false)
    #expect(driver.add(address: 0, length: 1, deviceWrites: true))
    #expect(driver.detachUsed() == nil)
    let chain = try #require(try device.pop())
    #expect(!device.push(head: chain.head, length: 0))
    #expect(driver.setInterrupts(true))
    #expect(driver.detachUsed() != nil)
    #expect(!driver.setInterrupts(true))
  }

  @Test(arguments: [5, 31, 32, 70_000] as [Int]) func anIDThatIsNotOutBreaksTheQueue(id: Int) throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    let driver = queue.driver
    #expect(driver.addChain(count: 2, deviceWrites: true) { _ in (0, 1) })
    _ = try #require(try queue.device.pop())
    _ = queue.device.push(head: id, length: 0)
    #expect(!driver.isBroken)
    #expect(driver.detachUsed() == nil)
    #expect(driver.isBroken)
    #expect(!driver.add(address: 0, length: 1, deviceWrites: true))
    #expect(driver.detachUsed() == nil)
    #expect(driver.descriptorsFree == 30 && driver.inFlight == 2)
  }

  /// Descriptor 1 is in flight, but it is not a head.
  @Test func theMiddleOfAChainIsNoID() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    #expect(queue.driver.addChain(count: 3, deviceWrites: true) { _ in (0, 1) })
    _ = try #require(try queue.device.pop())
    _ = queue.device.push(head: 1, length: 0)
    #expect(queue.driver.detachUsed() == nil)
    #expect(queue.driver.isBroken)
  }
}
