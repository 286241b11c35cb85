import Delivery
import Harness
import Instruments

/// Buffers on their way through the split ring and back, on one thread: the driver fills the queue and kicks, the device
/// pops and pushes everything, the driver detaches it. The sizes are those of QEMU's balloon: reporting, inflate and
/// deflate, and free-page hints.
let benchmarks: @Sendable () -> Void = {
  for size in [32, 128, 1024] {
    for usesEventIndex in [false, true] {
      for chain in [1, 8] {
        benchmark(
          "\(size)-\(usesEventIndex ? "event-index" : "flags")-chains-of-\(chain)", per: "buffer",
          times: ["all", "add and kick", "pop and push", "detach"], counts: ["kicks", "interrupts"]
        ) { region in
          Ring.of(size: size, usesEventIndex: usesEventIndex, chain: chain).run(region)
        }
      }
    }
  }
}

/// One queue and both its ends.
final class Ring {
  /// Buffers of one run.
  private static let buffers = 1024

  private let queue: Virtqueue
  private let driver: DriverQueue
  private let device: DeviceQueue
  private let chain: Int
  private let chains: Int
  private var kicks = 0
  private var interrupts = 0

  // Benchmarks run one after another on one thread.
  nonisolated(unsafe) private static var current: (key: [Int], ring: Ring)?

  static func of(size: Int, usesEventIndex: Bool, chain: Int) -> Ring {
    let key = [size, usesEventIndex ? 1 : 0, chain]
    if let current, current.key == key { return current.ring }
    let ring = Ring(size: size, usesEventIndex: usesEventIndex, chain: chain)
    current = (key, ring)
    return ring
  }

  private init(size: Int, usesEventIndex: Bool, chain: Int) {
    do { queue = try Virtqueue(size: size, usesEventIndex: usesEventIndex) } catch { fatalError("\(error)") }
    driver = queue.driver
    device = queue.device
    self.chain = chain
    chains = size / chain
  }

  /// Rounds without a clock inside them, which are the region's; and as many again with one around each part.
  @inline(never)
  func run(_ region: Region) -> Done {
    let rounds = Self.buffers / (chains * chain)
    kicks = 0
    interrupts = 0
    let start = CycleClock.begin()
    region.start()
    for _ in 0..<rounds {
      add()
      serve()
      detach()
    }
    region.stop()
    let all = CycleClock.ticks(from: start, to: CycleClock.end())
    let counts = ["kicks": kicks, "interrupts": interrupts]
    var parts: (add: UInt64, serve: UInt64, detach: UInt64) = (0, 0, 0)
    for _ in 0..<rounds {
      parts.add &+= ticks { add() }
      parts.serve &+= ticks { serve() }
      parts.detach &+= ticks { detach() }
    }
    return Done(
      Self.buffers,
      nanoseconds: [
        "all": CycleClock.nanoseconds(fromTicks: all),
        "add and kick": CycleClock.nanoseconds(fromTicks: parts.add),
        "pop and push": CycleClock.nanoseconds(fromTicks: parts.serve),
        "detach": CycleClock.nanoseconds(fromTicks: parts.detach),
      ], counts: counts)
  }

  @inline(__always)
  private func ticks(_ body: () -> Void) -> UInt64 {
    let begin = CycleClock.begin()
    body()
    return CycleClock.ticks(from: begin, to: CycleClock.end())
  }

  @inline(__always)
  private func add() {
    let driver = driver
    let chain = chain
    for index in 0..<chains {
      let address = UInt64(index) &<< 22
      let added =
        chain == 1
        ? driver.add(address: address, length: 4 << 20, deviceWrites: true)
        : driver.addChain(count: chain, deviceWrites: true) { (address &+ UInt64($0) &<< 12, 4096) }
      if !added { fatalError("a free queue is full") }
    }
    if driver.kickPrepare() { kicks &+= 1 }
  }

  @inline(__always)
  private func serve() {
    let device = device
    do throws(VirtqueueFault) {
      while let chain = try device.pop() {
        if device.push(head: chain.head, length: 0) { interrupts &+= 1 }
      }
    } catch { fatalError("\(error)") }
  }

  @inline(__always)
  private func detach() {
    let driver = driver
    var descriptors = 0
    while let used = driver.detachUsed() { descriptors &+= used.descriptors }
    if descriptors != chains &* chain { fatalError("\(descriptors) descriptors came back") }
  }
}
