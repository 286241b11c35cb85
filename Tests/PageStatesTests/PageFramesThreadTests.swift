import Foundation
import GuestMemory
import Testing

@testable import PageStates

/// The store in memory under real threads: whatever they do to each other, in the end every page is there once.
@Suite struct PageFramesThreadTests {
  private static func work(_ frames: PageFrames, cpu: Int, seed: UInt64) {
    var store = frames.store(.full, cpu: cpu)
    var generator = SeededGenerator(seed: seed, stream: UInt64(cpu))
    for _ in 0..<3000 {
      let index = generator.below(frames.filePages)
      switch generator.below(8) {
      case 0, 1:
        if !store.read(index), let page = store.readIn(index) { store.putPage(page) }
      case 2: _ = store.write(index)
      case 3: store.writeBack(index)
      case 4: _ = store.mapCached(index, writable: generator.chance(0.5))
      case 5: _ = store.touch(index, writes: generator.chance(0.5))
      case 6: _ = store.reclaimOne()
      default: store.drainDiscarded()
      }
    }
    store.drainDiscarded()
  }

  @Test func noPageIsLostOrFreedTwice() throws {
    let seed: UInt64 = 11
    let frames = try PageFrames(pages: 12, filePages: 16, cpus: 2, mode: .full)
    var host = HostAgent(seed: seed)
    let group = DispatchGroup()
    for cpu in 0..<2 {
      DispatchQueue.global().async(group: group) { Self.work(frames, cpu: cpu, seed: seed) }
    }
    while group.wait(timeout: .now() + 0.001) == .timedOut { host.look(at: 8, of: frames) }
    var store = frames.store(.full)
    for index in 0..<16 { store.truncate(index) }
    store.drainDiscarded()
    #expect(frames.freePages == 12, "seed \(seed)")
    #expect(frames.listed(active: true) + frames.listed(active: false) == 0)
    for page in 0..<12 { #expect(frames.state(page).guest == .unused, "page \(page)") }
  }
}
