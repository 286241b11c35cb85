import Testing

@testable import Delivery

@Suite struct VirtqueueLayoutTests {
  /// Sizes and offsets written out by hand from the table in virtio 1.2, 2.7.
  @Test(arguments: [
    (size: 32, available: 512, used: 640, availableBytes: 70, usedBytes: 262),
    (size: 128, available: 2048, used: 2368, availableBytes: 262, usedBytes: 1030),
    (size: 1024, available: 16384, used: 18496, availableBytes: 2054, usedBytes: 8198),
  ])
  func partsLieWhereTheSpecificationPutsThem(
    size: Int, available: Int, used: Int, availableBytes: Int, usedBytes: Int
  ) throws {
    let layout = try VirtqueueLayout(size: size)
    #expect(layout.descriptorTableOffset == 0)
    #expect(layout.descriptorTableBytes == 16 * size)
    #expect(layout.availableRingOffset == available)
    #expect(layout.availableRingBytes == availableBytes)
    #expect(layout.usedRingOffset == used)
    #expect(layout.usedRingBytes == usedBytes)
  }

  @Test(arguments: (0...15).map { 1 << $0 })
  func partsAreAlignedAndApartAndPrivateStateHasLinesOfItsOwn(size: Int) throws {
    let queue = try Virtqueue(size: size, usesEventIndex: true)
    let layout = queue.layout
    let base = Int(bitPattern: queue.base)
    #expect((base + layout.descriptorTableOffset) % 16 == 0)
    #expect((base + layout.availableRingOffset) % 2 == 0)
    #expect((base + layout.usedRingOffset) % 4 == 0)
    // Each part ends before the next begins.
    #expect(layout.descriptorTableBytes <= layout.availableRingOffset)
    #expect(layout.availableRingOffset + layout.availableRingBytes <= layout.usedRingOffset)
    #expect(layout.usedRingOffset + layout.usedRingBytes <= layout.driverStateOffset)
    #expect(layout.driverLinksOffset + 2 * size <= layout.driverChainsOffset)
    #expect(layout.driverChainsOffset + 2 * size <= layout.deviceStateOffset)
    #expect(layout.deviceStateOffset + MemoryLayout<DeviceState>.size <= layout.totalBytes)
    // No line is written by both sides' private state, and each state fits into one.
    #expect((base + layout.usedRingOffset) % 64 == 0)
    #expect((base + layout.driverStateOffset) % 64 == 0)
    #expect((base + layout.deviceStateOffset) % 64 == 0)
    #expect(MemoryLayout<DriverState>.size <= 64)
    #expect(MemoryLayout<DeviceState>.size <= 64)
  }

  @Test(arguments: [-1, 0, 3, 127, 129, 32769, 65536, Int.max, Int.min])
  func aSizeThatIsNoPowerOfTwoUpTo32768IsRefused(size: Int) {
    #expect(throws: VirtqueueError.badSize(size)) { try Virtqueue(size: size, usesEventIndex: true) }
  }

  /// Byte for byte what a device of another make would read.
  @Test func aChainOfTwoIsWrittenByteForByteAsSpecified() throws {
    let queue = try Virtqueue(size: 32, usesEventIndex: true)
    #expect(
      queue.driver.addChain(count: 2, deviceWrites: true) { position in
        position == 0 ? (0x1122_3344_5566_7788, 0x99aa_bbcc) : (1, 2)
      })
    let bytes = queue.bytes
    #expect(bytes[0..<16] == [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xcc, 0xbb, 0xaa, 0x99, 3, 0, 1, 0])
    #expect(bytes[16..<32] == [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0])
    // flags 0, idx 1, ring[0] = 0
    #expect(bytes[512..<518] == [0, 0, 1, 0, 0, 0])

    let chain = try #require(try queue.device.pop())
    _ = queue.device.push(head: chain.head, length: 0x0102_0304)
    // flags 0, idx 1, ring[0] = {0, length}
    #expect(queue.bytes[640..<652] == [0, 0, 1, 0, 0, 0, 0, 0, 4, 3, 2, 1])
    // The chain after it: an out buffer in descriptor 2, ring[1] = 2.
    #expect(queue.driver.add(address: 5, length: 6, deviceWrites: false))
    #expect(queue.bytes[32..<48] == [5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0])
    #expect(queue.bytes[512..<520] == [0, 0, 2, 0, 0, 0, 2, 0])
  }

  /// used_event and avail_event are the last two bytes of their rings.
  @Test func theEventFieldsCloseTheirRings() throws {
    let queue = try Virtqueue(size: 128, usesEventIndex: true)
    try queue.cycle(0x0203)
    _ = queue.device.setNotifications(true)
    queue.driver.setInterrupts(true)
    let layout = queue.layout
    #expect(queue.bytes[(layout.availableRingOffset + 260)..<(layout.availableRingOffset + 262)] == [3, 2])
    #expect(queue.bytes[(layout.usedRingOffset + 1028)..<(layout.usedRingOffset + 1030)] == [3, 2])
    // With event indices the flags stay 0 (virtio 1.2, 2.7.7.1 and 2.7.10.2).
    queue.driver.setInterrupts(false)
    _ = queue.device.setNotifications(false)
    #expect(queue.bytes[layout.availableRingOffset] == 0)
    #expect(queue.bytes[layout.usedRingOffset] == 0)
  }

  @Test func withoutEventIndicesTheFlagsSpeak() throws {
    let queue = try Virtqueue(size: 128, usesEventIndex: false)
    let (available, used) = (queue.layout.availableRingOffset, queue.layout.usedRingOffset)
    #expect(queue.bytes[available] == 0 && queue.bytes[used] == 0)
    queue.driver.setInterrupts(false)
    _ = queue.device.setNotifications(false)
    #expect(queue.bytes[available] == 1 && queue.bytes[used] == 1)
    queue.driver.setInterrupts(true)
    _ = queue.device.setNotifications(true)
    #expect(queue.bytes[available] == 0 && queue.bytes[used] == 0)
  }
}
