import CHost
import Foundation
import GuestMemory
import Instruments
import Machine
import Synchronization
import Testing

@testable import Delivery

// One after the other: each has a thread that polls.
@Suite(.serialized) struct HostThreadTests {
  /// Waits until `condition` holds. Far longer than anything here takes: that it ends false means "never".
  private func eventually(_ condition: () -> Bool) -> Bool {
    let deadline = MonotonicClock.nanoseconds() + 30_000_000_000
    while !condition() {
      if MonotonicClock.nanoseconds() > deadline { return false }
      sched_yield()
    }
    return true
  }

  /// Detaches until `count` chains are back.
  private func detach(_ count: Int, from driver: DriverQueue) -> Bool {
    var back = 0
    return eventually {
      while driver.detachUsed() != nil { back += 1 }
      return back == count
    }
  }

  @Test(arguments: Seeds.list) func noWakeUpIsLost(seed: UInt64) throws {
    print("seed \(seed)")
    for usesEventIndex in [false, true] {
      var random = SeededGenerator(seed: seed)
      let size = [4, 32, 128][random.below(3)]
      let queue = try Virtqueue(size: size, usesEventIndex: usesEventIndex)
      // Short polls, so that the host falls asleep as often as it can.
      let host = HostThread(
        queue: queue, ackNanoseconds: 0, cpu: nil, pollNanoseconds: UInt64(random.below(3) * 2000))
      try host.start()
      defer { host.stop() }
      let driver = queue.driver
      var (chains, descriptors) = (0, 0)
      for round in 0..<300 {
        var burst = 0
        for _ in 0..<(1 + random.below(4)) {
          let count = 1 + random.below(min(size, 8))
          guard driver.addChain(count: count, deviceWrites: true, { _ in (0, 4096) }) else { continue }
          burst += 1
          descriptors += count
          if random.chance(0.5), driver.kickPrepare() { host.notify() }
          // About as long as the host takes from its last look to its sleep.
          for _ in 0..<random.below(200) { chost_pause() }
        }
        if driver.kickPrepare() { host.notify() }
        chains += burst
        guard detach(burst, from: driver) else {
          Issue.record("seed \(seed): \(queue.outstanding) chains lie with a sleeping host in round \(round)")
          return
        }
        // Now and then long enough for it to be asleep.
        if random.chance(0.1) { usleep(UInt32(random.below(300))) }
      }
      host.stop()
      let figures = host.figures
      #expect(figures.chains == UInt64(chains))
      #expect(figures.descriptors == UInt64(descriptors))
      #expect(figures.bytes == UInt64(descriptors) * 4096)
      #expect(driver.descriptorsFree == size && driver.inFlight == 0)
      #expect(figures.fault == nil)
    }
  }

  @Test(arguments: [false, true]) func aPollingHostIsNotKicked(usesEventIndex: Bool) throws {
    let queue = try Virtqueue(size: 128, usesEventIndex: usesEventIndex)
    let host = HostThread(queue: queue, ackNanoseconds: 0, cpu: nil, pollNanoseconds: 3_600_000_000_000)
    try host.start()
    defer { host.stop() }
    for _ in 0..<500 {
      #expect(queue.driver.add(address: 0, length: 8, deviceWrites: true))
      if queue.driver.kickPrepare() { host.notify() }
      #expect(detach(1, from: queue.driver))
    }
    host.stop()
    #expect(host.figures.chains == 500)
    // With event indices a queue starts with the event at its first entry.
    #expect(host.figures.notifications == (usesEventIndex ? 1 : 0))
  }

  @Test(arguments: [false, true]) func anIdleHostAsksForAKickAndIsWokenByIt(usesEventIndex: Bool) throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: usesEventIndex)
    let host = HostThread(queue: queue, ackNanoseconds: 0, cpu: nil, pollNanoseconds: 0)
    try host.start()
    defer { host.stop() }
    for round in 0..<20 {
      // Both fields together say that it has given up polling and wants to be kicked for the next chain.
      let asks = eventually {
        queue.memory.usedFlags.pointee.load(ordering: .acquiring) == 0
          && (!usesEventIndex || queue.memory.availableEvent.pointee.load(ordering: .acquiring) == UInt16(round))
      }
      #expect(asks)
      #expect(queue.driver.add(address: 0, length: 8, deviceWrites: true))
      #expect(queue.driver.kickPrepare())
      host.notify()
      #expect(detach(1, from: queue.driver))
    }
    host.stop()
    #expect(host.figures.notifications == 20)
  }

  /// Also of several published at once: they are served one after the other.
  @Test(arguments: [20_000, 80_000, 300_000, 3_000_000] as [UInt64], [1, 4])
  func aChainIsNotAcknowledgedBeforeItsTime(ack: UInt64, chains: Int) throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    let host = HostThread(queue: queue, ackNanoseconds: ack, cpu: nil)
    try host.start()
    defer { host.stop() }
    let begin = MonotonicClock.nanoseconds()
    for _ in 0..<chains { #expect(queue.driver.add(address: 0, length: 8, deviceWrites: true)) }
    if queue.driver.kickPrepare() { host.notify() }
    #expect(detach(chains, from: queue.driver))
    #expect(MonotonicClock.nanoseconds() - begin >= ack * UInt64(chains))
  }

  @Test func chainsComeBackInTheOrderTheyWerePublished() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    let host = HostThread(queue: queue, ackNanoseconds: 1000, cpu: nil)
    try host.start()
    defer { host.stop() }
    for _ in 0..<20 {
      var sent: [Int] = []
      for count in 1...5 {
        sent.append(queue.driver.nextID)
        #expect(queue.driver.addChain(count: count, deviceWrites: true) { _ in (0, 1) })
      }
      if queue.driver.kickPrepare() { host.notify() }
      var back: [Int] = []
      #expect(
        eventually {
          while let used = queue.driver.detachUsed() { back.append(used.id) }
          return back.count == 5
        })
      #expect(back == sent)
    }
  }

  /// What it counted is what it gave back, and the rest is still in the ring.
  @Test func stoppingLeavesEachChainEitherUsedOrUntouched() throws {
    for ack: UInt64 in [0, 10_000, 1_000_000] {
      let queue = try Virtqueue(size: 32, usesEventIndex: true)
      let host = HostThread(queue: queue, ackNanoseconds: ack, cpu: nil)
      try host.start()
      for _ in 0..<32 { #expect(queue.driver.add(address: 0, length: 8, deviceWrites: true)) }
      if queue.driver.kickPrepare() { host.notify() }
      #expect(eventually { queue.outstanding < 32 })
      host.stop()
      let served = Int(host.figures.chains)
      #expect(Int(queue.outstanding) == 32 - served)
      var left = 0
      while let chain = try queue.device.pop() {
        _ = queue.device.push(head: chain.head, length: 0)
        left += 1
      }
      #expect(served + left == 32)
      while queue.driver.detachUsed() != nil {}
      #expect(queue.driver.descriptorsFree == 32)
    }
  }

  @Test func aMalformedChainEndsTheServiceButNotTheStop() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    let host = HostThread(queue: queue, ackNanoseconds: 0, cpu: nil)
    #expect(queue.driver.add(address: 0, length: 8, deviceWrites: true))
    queue.memory.writeDescriptor(0, address: 0, length: 8, flags: 3, next: 0)
    try host.start()
    // Kicks to a broken host are counted and change nothing.
    for _ in 0..<5 { host.notify() }
    #expect(eventually { host.hasFailed })
    for _ in 0..<5 { host.notify() }
    host.stop()
    #expect(host.figures.fault == .loop(head: 0))
    #expect(host.figures.chains == 0)
    #expect(host.figures.notifications == 10)
    #expect(queue.driver.detachUsed() == nil)
  }

  @Test func aHostCanBePinnedAndSaysWhereItCannot() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    let nowhere = HostThread(queue: queue, ackNanoseconds: 0, cpu: 1_000_000)
    #expect(throws: SystemCallError.self) { try nowhere.start() }
    nowhere.stop()
    #expect(nowhere.figures == HostFigures())
    let cpu = try #require(try ThreadPlacement.allowedCPUs().first)
    let host = HostThread(queue: queue, ackNanoseconds: 0, cpu: cpu)
    try host.start()
    #expect(queue.driver.add(address: 0, length: 8, deviceWrites: true))
    if queue.driver.kickPrepare() { host.notify() }
    #expect(detach(1, from: queue.driver))
    #expect(!host.hasFailed)
    host.stop()
    host.stop()
    #expect(host.figures.chains == 1)
  }
}
