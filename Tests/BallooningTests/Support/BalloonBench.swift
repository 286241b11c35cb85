import Instruments

@testable import Ballooning
@testable import GuestMemory

/// A small guest with a balloon, and a host that remembers what it was told.
final class BalloonBench: @unchecked Sendable {
  // Right to send: tests let one thread run at a time.
  let guest: Guest
  let balloon: Balloon
  let host = RememberingHost()

  /// One zone of `pages`, all managed, without watermarks unless given; below it one of `lowPages`.
  init(
    pages: UInt64 = 64, lowPages: UInt64 = 0, highestOrder: Int = 3, _ kind: BalloonKind = .order0,
    listing: BalloonListing = .page,
    isMovable: Bool = true, isolation: IsolationRule = .merged, kernel: KernelVersion = .linux61,
    marks: Watermarks = Watermarks(min: 0, low: 0, high: 0)
  ) throws {
    func zone(_ type: ZoneType, from start: UInt64, _ pages: UInt64) -> GuestGeometry.ZoneExtent {
      GuestGeometry.ZoneExtent(
        node: 0, nodeID: 0, type: type, startPFN: start, spannedPages: pages, managedPages: pages, watermarks: marks,
        lowmemReserve: Array(repeating: 0, count: 6))
    }
    var geometry = GuestGeometry(
      zones: (lowPages > 0 ? [zone(.dma32, from: 0, lowPages)] : []) + [zone(.normal, from: lowPages, pages)],
      nodeCount: 1, cpuCount: 4, granuleOrder: 0)
    geometry.highestOrder = highestOrder
    geometry.vmemmapPage = .small
    geometry.kernel = kernel
    guest = try Guest(geometry)
    guest.fillFresh()
    balloon = try Balloon(guest, kind, listing: listing, isMovable: isMovable, isolation: isolation)
  }

  /// `rules` are those of the guest's kernel, here and below.
  func cpu<Rules: KernelRules>(_ number: Int, _ rules: Rules.Type) -> GuestCPU<NoProbe, NoHooks, Rules> {
    GuestCPU(guest.core, cpu: number, node: 0, probe: NoProbe(), rules: rules)
  }

  func driver<Rules: KernelRules>(_ rules: Rules.Type) -> BalloonDriver<NoProbe, RememberingHost, NoSteps, Rules> {
    BalloonDriver(balloon.handle, cpu: cpu(0, rules), probe: NoProbe(), host: host)
  }

  /// The driver on CPU 0, under the rules of the guest's kernel.
  func hand<Probe: LockProbe>(_ probe: Probe) -> any BalloonHand {
    func make<Rules: KernelRules>(_ rules: Rules.Type) -> any BalloonHand {
      DriversHand(BalloonDriver(balloon.handle, cpu: cpu(0, rules), probe: probe, host: host))
    }
    return make(guest.geometry.kernel.rules)
  }

  func hand() -> any BalloonHand { hand(NoProbe()) }

  /// The starting state.
  func restart() {
    guest.restore()
    balloon.reset()
    host.reset()
  }

  /// PFNs on the balloon's list, head first.
  var listed: [UInt64] { balloon.handle.pages.pfns }

  func drain() { guest.drainPerCPULists() }

  /// What is wrong with the guest, where the balloon's pages and `held` are out.
  func faults(held: [UInt64] = [], order: Int = 0) -> [String] {
    let out = (listed.map { Block(pfn: $0, order: order) } + held.map { Block(pfn: $0, order: 0) })
    var faults = guest.validate(held: out).map(\.description)
    for zone in guest.core.zones where zone.pointer.pointee.bad_pages > 0 { faults.append("a bad page") }
    return faults
  }
}

/// A host that has what it was told it may have.
final class RememberingHost: BalloonHost, @unchecked Sendable {
  // Right to send: told with the balloon's mutex held, and looked at between steps.
  private(set) var messages: [(command: BalloonCommand, pfns: [UInt64])] = []
  private(set) var pages: Set<UInt64> = []
  /// Told of a page that it has, or hasn't.
  private(set) var faults: [String] = []

  func tell(_ command: BalloonCommand, _ pfns: PFNArray, count: Int) {
    let named = (0..<count).map { pfns[$0] }
    messages.append((command, named))
    for pfn in named {
      let isNew = command == .inflate ? pages.insert(pfn).inserted : pages.remove(pfn) != nil
      if !isNew { faults.append("\(command) of pfn \(pfn), which the host \(command == .inflate ? "has" : "hasn't")") }
    }
  }

  func reset() {
    messages = []
    pages = []
    faults = []
  }
}
