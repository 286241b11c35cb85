import GuestMemory

/// What memory reclaim may take back from a strategy, at any time and from any CPU, also while a session goes on.
///
/// The shrinker that the driver registers together with the hinting feature (drivers/virtio/virtio_balloon.c, 6.1 and
/// 6.12). It looks at no used buffer: a block goes back to the allocator whether or not the host has acted on its hint.
/// The driver's OOM notifier isn't here: it takes inflated pages, never hinted ones.
public struct Shrinker: Sendable {
  private let held: HeldBlocks
  private let order: Int

  init(_ held: HeldBlocks, order: Int) {
    self.held = held
    self.order = order
  }

  /// virtio_balloon_shrinker_count(): pages that may be taken back.
  public var pages: UInt64 { UInt64(held.count) << UInt64(order) }

  /// SHRINK_BATCH (mm/vmscan.c): the pages that reclaim asks for in one call. One block.
  public static let batch: UInt64 = 128

  /// virtio_balloon_shrinker_scan(): gives back at least `pages`, rounded up to whole blocks, as far as there are any;
  /// the block listed last comes first.
  ///
  /// - Parameter free: gives a block back to the allocator, on the CPU of the task that reclaims.
  /// - Returns: pages given back.
  @discardableResult
  public func scan(pages: UInt64 = batch, free: (Block) -> Void) -> UInt64 {
    var given: UInt64 = 0
    while given < pages, let pfn = held.pop() {
      let block = Block(pfn: pfn, order: order)
      free(block)
      given += block.pages
    }
    return given
  }
}
