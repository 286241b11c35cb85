import Ballooning
import GuestMemory
import Instruments

/// A user of the guest's memory while the balloon is inflated: takes single movable pages and later frees most of them.
/// Finds moved pages by the number noted in them.
struct BalloonTenant<Rules: KernelRules>: PageOwner {
  private var cpu: GuestCPU<NoProbe, NoHooks, Rules>
  /// Each page's PFN by its number; nil once freed.
  private var pages: [UInt64?] = []

  init(_ cpu: GuestCPU<NoProbe, NoHooks, Rules>, expected: Int) {
    self.cpu = cpu
    pages.reserveCapacity(expected)
  }

  /// The number of pages in use.
  var count: Int { pages.count { $0 != nil } }

  /// Takes up to `wanted` pages. Returns how many it got.
  mutating func take(_ wanted: Int) -> Int {
    for taken in 0..<wanted {
      guard let pfn = cpu.allocate(order: 0, .userMovable) else { return taken }
      cpu.core.page(pfn).ownersIndex = UInt64(pages.count)
      pages.append(pfn)
    }
    return wanted
  }

  /// Frees every page that `keeps` doesn't keep.
  mutating func giveBack(keeping keeps: () -> Bool) {
    for (number, page) in pages.enumerated() {
      guard let page, !keeps() else { continue }
      cpu.free(pfn: page, order: 0)
      pages[number] = nil
    }
  }

  mutating func pageMoved(from old: UInt64, to new: UInt64) {
    let number = Int(cpu.core.page(new).ownersIndex)
    precondition(pages[number] == old, "a page of nobody's was moved")
    pages[number] = new
  }
}
