/// The offsets of the three parts of a split virtqueue (virtio 1.2, 2.7) and of each side's private memory after them.
///
/// All fields are little-endian, as are the supported CPUs. The parts are laid out as Linux drivers do for a modern
/// device: the available ring right after the descriptor table, the used ring on the next cache line. The specification
/// only fixes the parts' sizes and alignments.
///
///     descriptor   0 le64 addr, 8 le32 len, 12 le16 flags, 14 le16 next
///     available    0 le16 flags, 2 le16 idx, 4 le16 ring[N], 4+2N le16 used_event
///     used         0 le16 flags, 2 le16 idx, 4 {le32 id, le32 len} ring[N], 4+8N le16 avail_event
public struct VirtqueueLayout: Sendable, Hashable {
  /// The number of descriptors in the table and of entries in each ring, N.
  public let size: Int

  /// - Throws: ``VirtqueueError/badSize(_:)``
  public init(size: Int) throws(VirtqueueError) {
    guard size >= 1, size <= 32768, size & (size - 1) == 0 else { throw .badSize(size) }
    self.size = size
  }

  /// A cache line; memory written by another CPU gets its own.
  static let lineBytes = 64

  public static let descriptorBytes = 16
  public static let usedElementBytes = 8

  /// Bytes of the descriptor table, aligned to 16.
  public var descriptorTableBytes: Int { Self.descriptorBytes * size }
  /// Bytes of the available ring, `used_event` included, aligned to 2.
  public var availableRingBytes: Int { 6 + 2 * size }
  /// Bytes of the used ring, `avail_event` included, aligned to 4.
  public var usedRingBytes: Int { 6 + Self.usedElementBytes * size }

  /// Byte offsets from the start of the mapping.
  public var descriptorTableOffset: Int { 0 }
  public var availableRingOffset: Int { descriptorTableBytes }
  public var usedRingOffset: Int { Self.lineUp(availableRingOffset + availableRingBytes) }

  /// The driver's private memory: its state on its own line, then two bytes per descriptor for the links of its free
  /// list, and two for the lengths of its chains.
  var driverStateOffset: Int { Self.lineUp(usedRingOffset + usedRingBytes) }
  var driverLinksOffset: Int { driverStateOffset + Self.lineBytes }
  var driverChainsOffset: Int { Self.lineUp(driverLinksOffset + 2 * size) }
  var deviceStateOffset: Int { Self.lineUp(driverChainsOffset + 2 * size) }
  /// The size of the whole mapping, in whole pages. Bytes.
  var totalBytes: Int { (deviceStateOffset + Self.lineBytes + 4095) / 4096 * 4096 }

  private static func lineUp(_ offset: Int) -> Int { (offset + lineBytes - 1) / lineBytes * lineBytes }
}
