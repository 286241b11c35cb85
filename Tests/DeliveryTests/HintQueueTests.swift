import GuestMemory
import Testing

@testable import Delivery

/// A strategy's end of its queue, and the hosts behind it.
@Suite struct HintQueueTests {
  private func blocks(_ count: Int) throws -> (arena: HintArena, words: HintBuffer) {
    let arena = try HintArena(bytes: count * 8)
    let words = arena.buffer(bytes: count * 8)
    for index in 0..<count { words.store(Block(pfn: UInt64(index) * 512, order: 9).rawValue, at: index) }
    return (arena, words)
  }

  @Test func anIdealHostUsesAllWhenItIsKicked() throws {
    let device = try HintDevice(size: 32)
    let queue = device.driver
    withExtendedLifetime(device) {
      // Many times round the ring, in every phase of it.
      for round in 0..<500 {
        for _ in 0..<(1 + round % 31) { #expect(queue.add(Block(pfn: 0, order: 9))) }
        #expect(queue.descriptorsFree == 31 - round % 31)
        queue.kick()
        queue.reclaim()
        #expect(queue.descriptorsFree == 32)
      }
      for _ in 0..<32 { #expect(queue.add(Block(pfn: 0, order: 9))) }
      #expect(!queue.add(Block(pfn: 0, order: 9)), "33 entries in a queue of 32")
    }
  }

  @Test func withoutAKickItWaitsUntilTheQueueIsFullOrTheDriverWaits() throws {
    let device = try HintDevice(size: 8)
    let queue = device.driver
    withExtendedLifetime(device) {
      for free in stride(from: 7, through: 1, by: -1) {
        #expect(queue.add(Block(pfn: 0, order: 9)))
        #expect(queue.descriptorsFree == free)
        queue.reclaim()
        #expect(queue.descriptorsFree == (free == 1 ? 8 : free))
      }
      #expect(queue.add(Block(pfn: 0, order: 9)))
      queue.reclaim()
      #expect(queue.descriptorsFree == 7)
      // A second look, and nothing added since.
      queue.reclaim()
      #expect(queue.descriptorsFree == 8)
    }
  }

  @Test func descriptorsOfOneRoundAreAllDifferent() throws {
    // The ring may never hand out an entry twice before it is back.
    let queue = try Virtqueue(size: 8, usesEventIndex: true)
    let driver = queue.driver
    withExtendedLifetime(queue) {
      for round in 0..<100 {
        var ids: Set<Int> = []
        let count = 1 + round % 8
        for _ in 0..<count {
          ids.insert(driver.nextID)
          #expect(driver.add(address: 0, length: 1, deviceWrites: true))
        }
        #expect(ids.count == count)
        driver.noteKick()
        driver.lookForIdealDevice()
        #expect(driver.descriptorsFree == 8)
      }
    }
  }

  @Test func aReportIsBackBeforeItReturns() throws {
    let device = try HintDevice(size: 32)
    let (arena, words) = try blocks(32)
    try device.startHost(ackNanoseconds: 50_000, cpu: nil)
    let queue = device.driver
    for count in [1, 16, 32] {
      #expect(queue.report(words, 0..<count))
      #expect(queue.descriptorsFree == 32)
    }
    let figures = try #require(device.stopHost())
    withExtendedLifetime((device, arena)) {}
    #expect(figures.chains == 3 && figures.descriptors == 49)
    #expect(figures.bytes == 49 * 512 * 4096)
  }

  @Test func aChainLongerThanTheQueueIsRefused() throws {
    let device = try HintDevice(size: 32)
    let (arena, words) = try blocks(64)
    withExtendedLifetime((device, arena)) {
      #expect(!device.driver.report(words, 0..<33))
      #expect(!device.driver.report(words, 5..<5))
      #expect(device.driver.report(words, 0..<32))
    }
  }

  @Test func aCommandWaitsForRoom() throws {
    let device = try HintDevice(size: 2)
    try device.startHost(ackNanoseconds: 100_000, cpu: nil)
    let queue = device.driver
    for _ in 0..<10 { queue.send(descriptors: 2) }
    // The last one is published by then, and the host may not have taken it.
    while queue.descriptorsFree < 2 { queue.reclaim() }
    let figures = try #require(device.stopHost())
    withExtendedLifetime(device) {}
    #expect(figures.chains == 10 && figures.descriptors == 20)
  }

  @Test func theHostIsIdealAgainWhenItsThreadIsGone() throws {
    let device = try HintDevice(size: 4)
    try device.startHost(ackNanoseconds: 1, cpu: nil)
    device.driver.send(descriptors: 1)
    #expect(device.stopHost() != nil)
    #expect(device.stopHost() == nil)
    let queue = device.driver
    for _ in 0..<4 { #expect(queue.add(Block(pfn: 0, order: 0))) }
    queue.kick()
    queue.reclaim()
    #expect(queue.descriptorsFree == 4)
    withExtendedLifetime(device) {}
  }

  @Test(arguments: [(1, 32, 32), (32, 32, 32), (33, 32, 64), (1024, 32, 1024), (5, 128, 128)])
  func aQueueHasRoomForItsLongestChain(entries: Int, least: Int, size: Int) {
    #expect(HintQueue.size(for: entries, least: least) == size)
  }
}
