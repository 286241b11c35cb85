import GuestMemory
import Instruments

/// One thread's access to a ``Balloon``: drivers/virtio/virtio_balloon.c and mm/balloon_compaction.c of Linux 6.1 and
/// 6.12, mm/balloon.c of mainline.
///
/// `Probe` watches the balloon's own lock, `pages_lock`, but not the zone locks. `Rules` are those of the guest's kernel.
///
/// What a balloon has is subtracted from its zone's managed pages: by the driver, in mainline under the list's lock.
///
/// Not modelled: PageOffline, the vmevent and the node's counters, which nothing here reads; page contents.
public struct BalloonDriver<Probe: LockProbe, Host: BalloonHost, Steps: BalloonSteps, Rules: KernelRules> {
  public let balloon: Balloon.Handle
  public var cpu: GuestCPU<NoProbe, NoHooks, Rules>
  public var probe: Probe
  public let host: Host
  public let steps: Steps

  /// Creates a driver for one thread. `cpu`: the thread's modelled CPU; no other thread may use it.
  @inlinable
  public init(
    _ balloon: Balloon.Handle, cpu: GuestCPU<NoProbe, NoHooks, Rules>, probe: Probe, host: Host, steps: Steps
  ) {
    self.balloon = balloon
    self.cpu = cpu
    self.probe = probe
    self.host = host
    self.steps = steps
  }

  @inlinable
  public init(_ balloon: Balloon.Handle, cpu: GuestCPU<NoProbe, NoHooks, Rules>, probe: Probe, host: Host)
  where Steps == NoSteps {
    self.init(balloon, cpu: cpu, probe: probe, host: host, steps: NoSteps())
  }

  @inlinable @inline(__always)
  var batch: PFNArray { balloon.array(cpu: cpu.cpu, 0) }

  // MARK: inflating

  /// fill_balloon(): allocates up to `wanted` entries, 256 at most, adds them to the list and tells the host.
  ///
  /// - Returns: the number of entries allocated, fewer than asked for if the allocator runs out. This doesn't wait: the
  ///   kernel would sleep 200 ms and retry.
  @inlinable
  public mutating func inflate(_ wanted: Int) -> Int {
    let wanted = min(wanted, PFNArray.capacity)
    let pfns = batch
    var taken = 0
    while taken < wanted, let pfn = cpu.allocate(order: balloon.order, balloon.gfp) {
      pfns[taken] = pfn
      taken &+= 1
      steps.did(.allocated(pfn))
    }
    if taken == 0 { return 0 }
    lockMutex()
    switch balloon.listing {
    case .page: for index in 0..<taken { enqueue(pfns[index]) }
    case .list: enqueue(pfns, count: taken)
    }
    if Rules.balloonLocksPages {
      for index in 0..<taken { balloon.adjustManaged(balloon.core.page(pfns[index]), isComing: true) }
    }
    balloon.addCount(taken)
    tell(.inflate, pfns, taken)
    unlockMutex()
    return taken
  }

  /// balloon_page_enqueue(): one page under one hold.
  @inlinable @inline(__always)
  mutating func enqueue(_ pfn: UInt64) {
    let page = balloon.core.page(pfn)
    let (balloon, steps) = (balloon, steps)
    balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
      hold.items = 1
      BalloonDriver.insert(page, balloon, steps, &hold)
    }
    steps.did(.enqueued(pfn))
  }

  /// balloon_page_list_enqueue(): all pages under one hold.
  @inlinable @inline(__always)
  mutating func enqueue(_ pfns: PFNArray, count: Int) {
    let (balloon, steps) = (balloon, steps)
    balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
      hold.items = count
      for index in 0..<count { BalloonDriver.insert(balloon.core.page(pfns[index]), balloon, steps, &hold) }
    }
    for index in 1..<max(count, 1) { steps.note(.enqueued(pfns[index])) }
    steps.did(.enqueued(pfns[0]))
  }

  /// balloon_page_enqueue_one(): no other thread can hold the lock of a page that was just allocated. Mainline doesn't ask
  /// for it.
  @inlinable @inline(__always)
  static func insert(_ page: Page, _ balloon: Balloon.Handle, _ steps: Steps, _ hold: inout OwnedPages.Hold) {
    if Rules.balloonLocksPages && !page.tryLock() { steps.bug("a page that comes into the balloon is locked") }
    if balloon.isMovable { page.setOwnedMovable(true) }
    hold.add(page)
    if Rules.balloonLocksPages { page.unlock() } else { balloon.adjustManaged(page, isComing: true) }
  }

  // MARK: deflating

  /// leak_balloon(): takes up to `wanted` entries, 256 at most, off the list, tells the host and frees them.
  ///
  /// - Returns: the number of entries freed, fewer than asked for if the rest are isolated or, but in mainline, locked.
  @inlinable
  public mutating func deflate(_ wanted: Int) -> Int {
    let pfns = batch
    lockMutex()
    let wanted = min(wanted, PFNArray.capacity, balloon.entries)
    var count = 0
    switch balloon.listing {
    case .page:
      while count < wanted, dequeue(pfns, from: count, wanted: 1) == 1 { count &+= 1 }
    case .list:
      if wanted > 0 { count = dequeue(pfns, from: 0, wanted: wanted) }
    }
    balloon.addCount(-count)
    if count > 0 { tell(.deflate, pfns, count) }
    for index in 0..<count {
      if Rules.balloonLocksPages { balloon.adjustManaged(balloon.core.page(pfns[index]), isComing: false) }
      putReference(pfns[index])
    }
    unlockMutex()
    return count
  }

  /// balloon_page_list_dequeue(); with `wanted` 1, the same as balloon_page_dequeue(). Skips pages whose lock is taken, as
  /// the lock order allows only a try here; in mainline takes the first ones, whoever has their locks.
  @inlinable @inline(__always)
  mutating func dequeue(_ pfns: PFNArray, from first: Int, wanted: Int) -> Int {
    let (balloon, core, steps) = (balloon, balloon.core, steps)
    let count = balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
      var count = 0
      var items = 0
      hold.walk { page in
        if count == wanted { return false }
        items &+= 1
        if Rules.balloonLocksPages && !page.tryLock() { return true }
        page.setOwnedMovable(false)
        hold.remove(page)
        if Rules.balloonLocksPages { page.unlock() } else { balloon.adjustManaged(page, isComing: false) }
        pfns[first &+ count] = core.pfn(page)
        count &+= 1
        return true
      }
      hold.items = items
      if count < wanted && hold.isEmpty && hold.isolated == 0 {
        steps.bug("the balloon has fewer pages than it counts")
      }
      return count
    }
    if count > 0 {
      for index in 1..<count { steps.note(.dequeued(pfns[first &+ index])) }
      steps.did(.dequeued(pfns[first]))
    }
    return count
  }

  // MARK: small steps

  @inlinable @inline(__always)
  mutating func putReference(_ pfn: UInt64) {
    cpu.put(pfn: pfn, order: balloon.order)
    steps.did(.droppedReference(pfn))
  }

  @inlinable @inline(__always)
  func tell(_ command: BalloonCommand, _ pfns: PFNArray, _ count: Int) {
    host.tell(command, pfns, count: count)
    for index in 1..<max(count, 1) { steps.note(.told(command, pfns[index])) }
    steps.did(.told(command, pfns[0]))
  }

  @inlinable @inline(__always)
  func lockMutex() {
    while !balloon.tryMutex() { steps.waitForMutex() }
    steps.did(.triedMutex(true))
  }

  @inlinable @inline(__always)
  func unlockMutex() {
    balloon.releaseMutex()
    steps.did(.releasedMutex)
  }
}

/// The host as the balloon sees it: tell_host(). Called with the balloon's mutex held; returns when the host has
/// acknowledged the message.
public protocol BalloonHost {
  func tell(_ command: BalloonCommand, _ pfns: PFNArray, count: Int)
}
