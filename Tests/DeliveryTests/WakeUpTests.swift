import Testing

@testable import Delivery

/// A device that sleeps when the ring is empty, and a driver that kicks only where asked to: all orders in which their
/// steps can fall.
@Suite struct WakeUpTests {
  /// What the two do, and leave out where a test wants them wrong.
  struct Rules: Sendable {
    /// The device looks at the ring again after it has enabled notifications.
    var looksAgain = true
    /// The driver decides on the kick after publishing, not before.
    var publishesFirst = true
  }

  /// One device and one driver, stepped by hand.
  private struct Pair {
    let queue: Virtqueue
    let rules: Rules
    let chains: Int
    private var deviceStep = 0
    private var driverStep = 0
    private(set) var kicks = 0
    private var isRung = false

    init(_ queue: Virtqueue, _ rules: Rules, chains: Int) {
      self.queue = queue
      self.rules = rules
      self.chains = chains
      _ = queue.device.setNotifications(false)
    }

    var driverIsDone: Bool { driverStep == 2 * chains }
    var deviceSleeps: Bool { deviceStep == 3 && !isRung }

    mutating func stepDriver() {
      let publishes = (driverStep % 2 == 0) == rules.publishesFirst
      if publishes {
        _ = queue.driver.add(address: 0, length: 1, deviceWrites: true)
      } else if queue.driver.kickPrepare() {
        kicks += 1
        isRung = true
      }
      driverStep += 1
    }

    mutating func stepDevice() throws {
      switch deviceStep {
      case 0:
        if let chain = try queue.device.pop() {
          _ = queue.device.push(head: chain.head, length: 0)
        } else {
          deviceStep = 1
        }
      case 1:
        _ = queue.device.setNotifications(true)
        deviceStep = 2
      case 2:
        deviceStep = 3
        if rules.looksAgain, queue.device.hasAvailable { resume() }
      default:
        if isRung { resume() }
      }
    }

    private mutating func resume() {
      isRung = false
      _ = queue.device.setNotifications(false)
      deviceStep = 0
    }
  }

  /// Runs every order of 12 steps, bit by bit, each followed by the driver's rest and then the device's.
  ///
  /// - Returns: orders after which a chain lies in the ring of a sleeping device.
  private func lostWakeUps(_ rules: Rules, usesEventIndex: Bool) throws -> [UInt32] {
    var lost: [UInt32] = []
    for order: UInt32 in 0..<(1 << 12) {
      let queue = try Virtqueue(size: 4, usesEventIndex: usesEventIndex)
      var pair = Pair(queue, rules, chains: 2)
      for bit in 0..<12 {
        if order >> UInt32(bit) & 1 == 0 {
          try pair.stepDevice()
        } else if !pair.driverIsDone {
          pair.stepDriver()
        }
      }
      while !pair.driverIsDone { pair.stepDriver() }
      while !pair.deviceSleeps { try pair.stepDevice() }
      if queue.device.hasAvailable { lost.append(order) }
    }
    return lost
  }

  @Test(arguments: [false, true]) func noOrderOfStepsLosesAWakeUp(usesEventIndex: Bool) throws {
    #expect(try lostWakeUps(Rules(), usesEventIndex: usesEventIndex).isEmpty)
  }

  @Test(arguments: [false, true]) func aDeviceThatDoesNotLookAgainLosesOne(usesEventIndex: Bool) throws {
    #expect(try !lostWakeUps(Rules(looksAgain: false), usesEventIndex: usesEventIndex).isEmpty)
  }

  @Test(arguments: [false, true]) func aDriverThatDecidesBeforePublishingLosesOne(usesEventIndex: Bool) throws {
    #expect(try !lostWakeUps(Rules(publishesFirst: false), usesEventIndex: usesEventIndex).isEmpty)
  }

  /// The one order it is about, by hand: published between the device's last look and its enabling.
  @Test(arguments: [false, true]) func whatComesBetweenTheLastLookAndEnablingIsFound(usesEventIndex: Bool) throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: usesEventIndex)
    let (driver, device) = (queue.driver, queue.device)
    try queue.cycle(10)
    // Decided, so that the next decision is about what comes next.
    _ = driver.kickPrepare()
    _ = device.setNotifications(false)
    #expect(try device.pop() == nil)
    #expect(driver.add(address: 0, length: 1, deviceWrites: true))
    // No kick: the device polls, as far as the driver knows.
    #expect(!driver.kickPrepare())
    // The look behind the enabling finds it.
    #expect(device.setNotifications(true))
    #expect(try device.pop() != nil)
    // What comes after the enabling brings a kick.
    #expect(!device.setNotifications(true))
    #expect(driver.add(address: 0, length: 1, deviceWrites: true))
    #expect(driver.kickPrepare())
  }

  @Test func kicksAreLeftOutWhileTheDevicePolls() throws {
    for usesEventIndex in [false, true] {
      let queue = try Virtqueue(size: 32, usesEventIndex: usesEventIndex)
      // A first kick, so that the event is behind.
      #expect(queue.driver.add(address: 0, length: 1, deviceWrites: true))
      #expect(queue.driver.kickPrepare())
      _ = queue.device.setNotifications(false)
      for _ in 0..<1000 {
        while let chain = try queue.device.pop() { _ = queue.device.push(head: chain.head, length: 0) }
        while queue.driver.detachUsed() != nil {}
        #expect(queue.driver.add(address: 0, length: 1, deviceWrites: true))
        #expect(!queue.driver.kickPrepare())
      }
    }
  }
}
