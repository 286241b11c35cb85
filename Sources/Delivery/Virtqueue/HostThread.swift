import CHost
import Foundation
import Instruments
import Machine
import Synchronization

/// The device's side of a virtqueue on its own thread, as QEMU's iothread serves the balloon: it pops a chain, acts on
/// it and pushes it as used, one at a time.
///
/// When idle it polls for a while with notifications disabled, as QEMU does throughout a hinting session. Then it
/// enables them, checks once more, and sleeps until ``notify()``, which writes to an eventfd as KVM does for a kick.
public final class HostThread: @unchecked Sendable {
  // Right to send: `state`, `failed` and `notifications` are atomic. `seen`, `cpuClock` and `pinError` are only written
  // by the host's thread and read after it has released a state in which it no longer writes them; `event` is written
  // by start(), before the first kick.
  private enum State {
    static let new = 0, running = 1, stopping = 2, failed = 3, ended = 4
  }

  private let queue: Virtqueue
  private let device: DeviceQueue
  private let ackNanoseconds: UInt64
  private let pollNanoseconds: UInt64
  private let cpu: Int?
  private let act: (@Sendable (VirtqueueChain) -> Void)?
  private let state = Atomic<Int>(State.new)
  private let failed = Atomic<Bool>(false)
  private let notifications = Atomic<UInt64>(0)
  /// The eventfd that a kick signals. It keeps kicks that came while the thread was awake, so that the next sleep ends
  /// at once.
  private var event: EventCounter?
  private let started = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private var seen = HostFigures()
  private var cpuClock = clockid_t(0)
  private var pinError: SystemCallError?

  /// The longest wait spent spinning. A sleep ends late by the kernel's timer slack of 50 us and a wake-up, so a longer
  /// wait sleeps for all but this time. Nanoseconds.
  private static let longestSpin: UInt64 = 100_000

  /// Creates a host that acknowledges each chain at least `ackNanoseconds` after it popped it, and pops no other
  /// meanwhile. `cpu`: the CPU its thread is pinned to; nil: not pinned. `pollNanoseconds`: how long it polls without
  /// work before it sleeps. `act`: acts on a chain before it is acknowledged, on the host's thread.
  public init(
    queue: Virtqueue, ackNanoseconds: UInt64, cpu: Int?, pollNanoseconds: UInt64 = 50_000,
    act: (@Sendable (VirtqueueChain) -> Void)? = nil
  ) {
    self.queue = queue
    self.ackNanoseconds = ackNanoseconds
    self.cpu = cpu
    self.pollNanoseconds = pollNanoseconds
    self.act = act
    device = queue.device
  }

  /// Starts the thread. Returns when it polls. May be called once; ``stop()`` must follow, or the thread keeps running.
  ///
  /// - Throws: ``SystemCallError`` if the thread can't be pinned or no eventfd is left.
  public func start() throws(SystemCallError) {
    precondition(state.load(ordering: .relaxed) == State.new, "a host thread starts once")
    event = try EventCounter()
    let thread = Thread { [self] in run() }
    thread.stackSize = 1 << 20
    thread.start()
    started.wait()
    if state.load(ordering: .acquiring) == State.failed, let pinError { throw pinError }
  }

  /// Ends the thread and waits for it. The current chain is finished; later ones stay in the ring. Does nothing if the
  /// thread isn't running.
  public func stop() {
    guard
      state.compareExchange(
        expected: State.running, desired: State.stopping, successOrdering: .releasing, failureOrdering: .relaxed
      ).exchanged
    else { return }
    event?.signal()
    ended.wait()
    // The semaphore waits; this load acquires the thread's figures.
    let now = state.load(ordering: .acquiring)
    assert(now == State.ended)
  }

  /// The driver's kick: counts it and wakes the host if it sleeps. Any thread may call this.
  public func notify() {
    notifications.wrappingAdd(1, ordering: .relaxed)
    event?.signal()
  }

  /// CPU time of the thread so far. Nanoseconds; 0 if it isn't running.
  public var cpuNanoseconds: UInt64 {
    guard state.load(ordering: .acquiring) == State.running else { return 0 }
    var time = timespec()
    guard clock_gettime(cpuClock, &time) == 0 else { return 0 }
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Whether the host met a malformed chain and serves no more; ``figures`` names the fault. May be read at any time: a
  /// driver that waits for a chain must check it, or it waits for ever.
  public var hasFailed: Bool { failed.load(ordering: .acquiring) }

  /// The host's counts. Only before ``start()`` and after ``stop()``.
  public var figures: HostFigures {
    let now = state.load(ordering: .acquiring)
    precondition(now != State.running && now != State.stopping, "a host's figures are read after it has stopped")
    var figures = seen
    figures.notifications = notifications.load(ordering: .relaxed)
    return figures
  }

  private func run() {
    if let cpu {
      do throws(SystemCallError) {
        try ThreadPlacement.pin(toCPU: cpu)
      } catch {
        pinError = error
        state.store(State.failed, ordering: .releasing)
        started.signal()
        return
      }
    }
    pthread_getcpuclockid(pthread_self(), &cpuClock)
    _ = device.setNotifications(false)
    state.store(State.running, ordering: .releasing)
    started.signal()
    serveUntilStopped()
    state.store(State.ended, ordering: .releasing)
    ended.signal()
  }

  private var isStopping: Bool { state.load(ordering: .relaxed) == State.stopping }

  private func serveUntilStopped() {
    while !isStopping {
      do throws(VirtqueueFault) {
        if try serveOne() { continue }
      } catch {
        // A failed device serves no more, and wants no kicks (DEVICE_NEEDS_RESET).
        seen.fault = error
        failed.store(true, ordering: .releasing)
        while !isStopping { sleepUntilRung() }
        return
      }
      if pollForWork() { continue }
      // Enable kicks, then check again: a chain published in between caused no kick, and would wait for ever.
      if !device.setNotifications(true) { sleepUntilRung() }
      _ = device.setNotifications(false)
    }
  }

  /// Serves a chain. Returns false if there was none.
  private func serveOne() throws(VirtqueueFault) -> Bool {
    guard let chain = try device.pop() else { return false }
    let popped = ackNanoseconds > 0 ? MonotonicClock.nanoseconds() : 0
    let bytes = chain.bytes
    act?(chain)
    if ackNanoseconds > 0 { Self.wait(ackNanoseconds, since: popped) }
    seen.count(chain, interrupt: device.push(head: chain.head, length: 0), bytes: bytes)
    return true
  }

  /// Polls for work. Returns true if a chain came or the thread is to end; false if the polling time ran out.
  private func pollForWork() -> Bool {
    let begin = MonotonicClock.nanoseconds()
    repeat {
      if device.hasAvailable || isStopping { return true }
      chost_pause()
    } while MonotonicClock.nanoseconds() - begin < pollNanoseconds
    return false
  }

  private func sleepUntilRung() {
    // The counter is 0 before the ring is checked again: a kick from here on signals again.
    event?.wait()
    if !isStopping { seen.wakeUps &+= 1 }
  }

  private static func wait(_ nanoseconds: UInt64, since begin: UInt64) {
    while true {
      let passed = MonotonicClock.nanoseconds() - begin
      if passed >= nanoseconds { return }
      let left = nanoseconds - passed
      if left > longestSpin {
        let sleep = left - longestSpin
        var time = timespec(tv_sec: Int(sleep / 1_000_000_000), tv_nsec: Int(sleep % 1_000_000_000))
        nanosleep(&time, nil)
      } else {
        chost_pause()
      }
    }
  }
}

/// A host's counts on a virtqueue since it started.
public struct HostFigures: Sendable, Hashable {
  /// Chains popped and returned.
  public internal(set) var chains: UInt64 = 0
  /// Descriptors of these chains.
  public internal(set) var descriptors: UInt64 = 0
  /// Bytes of all buffers of these chains.
  public internal(set) var bytes: UInt64 = 0
  /// Kicks received from the driver; on a real host each is a VM exit.
  public internal(set) var notifications: UInt64 = 0
  /// Times the host slept and was woken.
  public internal(set) var wakeUps: UInt64 = 0
  /// Chains returned for which the driver wanted an interrupt.
  public internal(set) var interrupts: UInt64 = 0
  /// Why the host stopped serving; nil if it didn't fail.
  public internal(set) var fault: VirtqueueFault?

  public init() {}

  @inline(__always)
  mutating func count(_ chain: VirtqueueChain, interrupt: Bool, bytes: UInt64) {
    chains &+= 1
    descriptors &+= UInt64(chain.descriptors)
    self.bytes &+= bytes
    if interrupt { interrupts &+= 1 }
  }
}
