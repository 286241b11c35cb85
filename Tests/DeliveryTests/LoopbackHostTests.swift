import Testing

@testable import Delivery

@Suite struct LoopbackHostTests {
  @Test(arguments: [false, true]) func everythingPublishedIsUsedAtOnceInOrder(usesEventIndex: Bool) throws {
    let queue = try Virtqueue(size: 128, usesEventIndex: usesEventIndex)
    let driver = queue.driver
    var host = LoopbackHost(queue)
    #expect(host.serve() == 0)
    var ids: [Int] = []
    for count in 1...10 {
      ids.append(driver.nextID)
      #expect(driver.addChain(count: count, deviceWrites: true) { _ in (0, 4096) })
    }
    #expect(driver.kickPrepare())
    #expect(host.notify() == 10)
    #expect(ids.map { _ in driver.detachUsed()?.id } == ids)
    #expect(driver.descriptorsFree == 128)
    var expected = HostFigures()
    expected.chains = 10
    expected.descriptors = 55
    expected.bytes = 55 * 4096
    expected.notifications = 1
    // With event indices the driver asked for an interrupt at the first, and hasn't moved the event since.
    expected.interrupts = usesEventIndex ? 1 : 10
    #expect(host.figures == expected)
  }

  @Test(arguments: [false, true]) func eachKickOfAnEmptyRingReachesIt(usesEventIndex: Bool) throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: usesEventIndex)
    var host = LoopbackHost(queue)
    for _ in 0..<100 {
      #expect(queue.driver.add(address: 0, length: 8, deviceWrites: false))
      if queue.driver.kickPrepare() { host.notify() }
      #expect(queue.driver.detachUsed() != nil)
    }
    #expect(host.figures.notifications == 100)
    #expect(host.figures.chains == 100)
  }

  @Test func aFaultStopsItForGood() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    var host = LoopbackHost(queue)
    #expect(queue.driver.add(address: 0, length: 8, deviceWrites: false))
    #expect(queue.driver.add(address: 0, length: 8, deviceWrites: false))
    queue.memory.availableEntry(1).pointee = 99
    #expect(host.serve() == 1)
    #expect(host.figures.fault == .headOutOfRange(head: 99))
    queue.memory.availableEntry(1).pointee = 1
    #expect(host.serve() == 0)
    #expect(host.figures.chains == 1)
  }
}
