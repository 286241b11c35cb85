import GuestMemory
import Synchronization

/// A host under memory pressure: takes randomly chosen frames from the guest and treats each page as its state allows.
public struct HostAgent: Sendable {
  private var generator: SeededGenerator
  /// Frames without content to keep.
  public private(set) var freed = 0
  /// Pages discarded, which a host without page states would have had to write to swap.
  public private(set) var discarded = 0
  /// Pages written to swap.
  public private(set) var preserved = 0

  /// Creates a host whose choices follow from a seed.
  public init(seed: UInt64) { generator = SeededGenerator(seed: seed, stream: 51) }

  /// Looks at `count` pages, and takes the frames of those that have one.
  public mutating func look(at count: Int, of frames: PageFrames) {
    for _ in 0..<count {
      switch frames.takeFrame(generator.below(frames.pages)) {
      case .freed: freed += 1
      case .discarded: discarded += 1
      case .preserved: preserved += 1
      case nil: break
      }
    }
  }
}

extension PageFrames {
  /// Takes a page's frame, concurrently with the guest. Returns how; nil if the page had no frame.
  @discardableResult
  public func takeFrame(_ page: Int) -> PageState.Reclaim? {
    var old = memory.states[page].load(ordering: .relaxed)
    while true {
      let state = PageState(rawValue: old)
      guard let reclaim = state.reclaim else { return nil }
      let (exchanged, original) = memory.states[page].weakCompareExchange(
        expected: old, desired: state.withoutFrame.rawValue, ordering: .acquiringAndReleasing)
      if exchanged { return reclaim }
      old = original
    }
  }
}
