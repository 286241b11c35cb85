import Testing

@testable import Delivery
@testable import GuestMemory

@Suite struct HintLogTests {
  @Test func bytesAreCountedOnceInEachPart() throws {
    let log = try HintLog(capacity: 8)
    let writer = log.writer
    let hints: [(UInt64, Int, Bool)] = [
      (1024, 10, true), (0, 10, false), (1024, 10, false), (512, 9, true), (4096, 0, false), (4096, 1, true),
    ]
    for (pfn, order, held) in hints { writer.append(Block(pfn: pfn, order: order), held: held) }
    #expect(log.kept == 6)
    // Blocks 0 and 1024, the second twice; a block within one; a page, and a pair that contains it.
    #expect(log.distinctBytes(0..<6) == (2048 + 2) << 12)
    #expect(log.distinctBytes(0..<1) == 4 << 20 && log.distinctBytes(2..<3) == 4 << 20)
    #expect(log.distinctBytes(4..<6) == 8192 && log.distinctBytes(3..<3) == 0)
    for _ in 0..<8 { writer.append(Block(pfn: 8192, order: 0), held: false) }
    #expect(log.kept == 8)
    log.reset()
    #expect(log.kept == 0)
    withExtendedLifetime(log) {}
  }
}
