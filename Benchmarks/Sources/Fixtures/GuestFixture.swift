import GuestMemory
import Instruments

/// The guests that benchmarks run on: fresh, one node, exact (granule 0).
public enum GuestFixture {
  public static let gibibyte: UInt64 = 1 << 30

  /// A fresh guest. Up to 64 GiB its memory map lies on 2 MiB pages, as the kernel maps it; above that on 4 KiB pages,
  /// where only the list heads that are touched cost memory.
  public static func fresh(
    bytes: UInt64, order: ListOrder = .ascending, lock: LockKind = .queued, kernel: KernelVersion = .linux61,
    isToldToCheckPages: Bool = false, seed: UInt64 = 1
  ) -> Guest {
    let guest = empty(bytes: bytes, lock: lock, kernel: kernel, isToldToCheckPages: isToldToCheckPages)
    guest.fillFresh()
    if order != .ascending { guest.reorderLists(order, seed: seed) }
    return guest
  }

  /// A guest aged to its defaults.
  public static func aged(bytes: UInt64, seed: UInt64 = 1) -> Guest {
    let guest = empty(bytes: bytes, lock: .queued)
    do { try guest.age(Aging(), seed: seed) } catch { fatalError("\(error)") }
    return guest
  }

  private static func empty(
    bytes: UInt64, lock: LockKind, kernel: KernelVersion = .linux61, isToldToCheckPages: Bool = false
  ) -> Guest {
    var geometry = GuestGeometry.standard(bytes: bytes)
    geometry.lockKind = lock
    geometry.kernel = kernel
    geometry.isToldToCheckPages = isToldToCheckPages
    geometry.vmemmapPage = bytes <= 64 * gibibyte ? .huge : .small
    do { return try Guest(geometry) } catch { fatalError("\(error)") }
  }

  /// A CPU of it that nothing watches.
  public static func cpu(_ guest: Guest) -> GuestCPU<NoProbe, NoHooks, Linux6_1> {
    GuestCPU(guest.core, cpu: 0, node: guest.geometry.node(ofCPU: 0), probe: NoProbe())
  }

  /// The zone with the most memory.
  public static func largestZone(_ guest: Guest) -> Zone {
    guest.core.zones.max { $0.managedPages < $1.managedPages }!
  }

  /// Ends the program where it was built without optimisation: its times would say nothing.
  public static func refuseDebugBuild() {
    #if DEBUG
      fatalError("this is a debug build, whose times say nothing; build with -c release")
    #endif
  }
}
