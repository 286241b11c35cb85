@testable import GuestMemory

/// All memory of a guest's allocator, byte by byte: page structs, zones, per-CPU lists, pageblock types.
///
/// ``Guest/restore()`` leaves what no list leads to as it was (an allocated page's old links); between two replays of
/// one schedule not even that may differ, or equal states would count as different ones. Small guests only.
struct AllocatorMemory {
  // The guest is kept, so that its memory is.
  private let guest: Guest
  private let regions: [UnsafeMutableRawBufferPointer]
  private let saved: [[UInt8]]

  init(_ guest: Guest) {
    func bytes<T>(_ base: UnsafeMutablePointer<T>, _ count: Int) -> UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(start: base, count: count * MemoryLayout<T>.stride)
    }
    let core = guest.core
    let end = guest.geometry.endPFN
    guest.restore()
    self.guest = guest
    regions =
      [
        bytes(core.vmemmap, Int(end >> UInt64(core.granuleOrder))), bytes(core.zoneTable, core.zoneCount),
        bytes(core.pageblockTypes, Int(end >> UInt64(core.pageblockOrder)) + 1),
      ] + core.zones.map { bytes(core.perCPUList($0, cpu: 0).pointer, core.cpuCount) }
    saved = regions.map { Array($0) }
  }

  func restore() { for (region, bytes) in zip(regions, saved) { region.copyBytes(from: bytes) } }

  /// Of the guest as it is now; the same for as long as this process runs.
  var hash: Int {
    var hasher = Hasher()
    for region in regions { hasher.combine(bytes: UnsafeRawBufferPointer(region)) }
    return hasher.finalize()
  }
}
