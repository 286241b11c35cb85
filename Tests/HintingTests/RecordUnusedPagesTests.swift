import Delivery
import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 1.
@Suite struct RecordUnusedPagesTests {
  @Test func wordsAreBaseAndSizeWithTheLowTwelveBitsZero() throws {
    let guest = try TestGuests.with([.init(kind: .dma, blocks: [0: 3, 5: 2]), .init(blocks: [0: 7, 9: 3, 10: 4])])
    let bench = try Bench(RecordUnusedPages.self, guest, lowestOrder: 0)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    for sent in recorder.sends {
      #expect(sent.words.isMultiple(of: 2) && sent.words <= 65_536 / 8)
      #expect(sent.format == .baseAndSize)
      #expect(sent.buffer[..<sent.words].allSatisfy { $0 & 0xfff == 0 })
      for index in stride(from: 0, to: sent.words, by: 2) {
        // Numerically byte address and byte length.
        #expect(sent.buffer[index] == sent.blocks[index / 2].pfn << 12)
        #expect(sent.buffer[index + 1] == sent.blocks[index / 2].bytes)
      }
    }
    #expect(recorder.hints.sorted() == guest.freeBlocks().sorted())
    #expect(recorder.hints.map(\.order) == recorder.hints.map(\.order).sorted(by: >))
    // One chunk with its header.
    #expect(recorder.sends.count == 1 && recorder.descriptors == 2)
  }

  @Test func aListThatFailsTheFirstCheckWritesNothing() throws {
    // 512 words: the first list's 200 blocks take 400, and 150 more fail the check.
    let guest = try TestGuests.with([.init(blocks: [3: 200, 2: 150])])
    let bench = try Bench(RecordUnusedPages.self, guest, ["buffer": "4096"], lowestOrder: 2)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    // Orders 10 to 4 are empty; then the list, the check that fails, the list again.
    #expect(recorder.items == Array(repeating: 0, count: 7) + [200, 0, 150])
    #expect(recorder.sends.map(\.words) == [400, 300])
    #expect(recorder.sends[0].buffer[400...].allSatisfy { $0 == 0 })
    #expect(recorder.duplicates == 0)
    #expect(bench.session.restarts == 1)
  }

  @Test(arguments: [513, 600, 700, 1023] as [UInt64])
  func blocksComparedWithWordsRunOutHalfWay(blocks n: UInt64) throws {
    // nr_free in [size/2 + 1, size]: passes at 1024 words, which hold 512.
    let guest = try TestGuests.with(n, order: 1)
    let bench = try Bench(RecordUnusedPages.self, guest, ["buffer": "8192"], lowestOrder: 1)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.items.filter { $0 > 0 } == [512, 512, Int(n)])
    #expect(recorder.sends.map(\.words) == [1024, Int(n) * 2])
    // The chunk goes twice.
    #expect(recorder.duplicates == 512)
    #expect(bench.session.restarts == 1)
    #expect(Set(recorder.hints) == Set(guest.freeBlocks()))
  }

  @Test(arguments: [1, 255, 256, 257, 512, 513, 600, 5000] as [UInt64])
  func wordsComparedWithWordsRepeatNothing(blocks n: UInt64) throws {
    let guest = try TestGuests.with([.init(kind: .dma, blocks: [1: n]), .init(blocks: [1: 40, 0: n])])
    let bench = try Bench(RecordUnusedPages.self, guest, ["buffer": "4096", "check": "words"], lowestOrder: 0)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.duplicates == 0)
    #expect(recorder.hints.sorted() == guest.freeBlocks().sorted())
  }

  @Test func whereTheBufferCannotGrowTheTailOfAnOrderIsDropped() throws {
    // 513 words: 256 blocks and a word to spare.
    let guest = try TestGuests.with([.init(blocks: [2: 600, 1: 10, 0: 20])])
    let list = guest.list(order: 2)
    let bench = try Bench(RecordUnusedPages.self, guest, ["buffer": "4104", "grow": "no"], lowestOrder: 0)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .limit)
    #expect(recorder.sends[0].words == 512)
    #expect(recorder.sends[0].buffer[512] == 0, "the odd word stays unused")
    #expect(recorder.sends[0].blocks == Array(list.prefix(256)))
    // Only this order loses its tail.
    #expect(recorder.sends[1].blocks == guest.list(order: 1) + guest.list(order: 0))
    #expect(recorder.duplicates == 0)
  }

  @Test(arguments: [("published", "no"), ("published", "yes"), ("words", "no"), ("words", "yes")])
  func everySizeEnds(_ check: String, _ grow: String) throws {
    for n in stride(from: 250 as UInt64, to: 1100, by: 37) {
      let guest = try TestGuests.with([.init(kind: .dma, blocks: [3: n / 2]), .init(blocks: [3: n, 2: n])])
      let bench = try Bench(
        RecordUnusedPages.self, guest, ["buffer": "4096", "check": check, "grow": grow], lowestOrder: 2)
      let recorder = SessionRecorder()
      let outcome = bench.collect(recorder)
      #expect(outcome == .complete || (grow == "no" && outcome == .limit), "\(n) blocks")
      if outcome == .complete { #expect(Set(recorder.hints) == Set(guest.freeBlocks()), "\(n) blocks") }
      if check == "words" { #expect(recorder.duplicates == 0, "\(n) blocks") }
      #expect(recorder.sends.allSatisfy { $0.words <= 4 << 20 / 8 })
    }
  }
}
