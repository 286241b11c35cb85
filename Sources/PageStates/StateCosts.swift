import CHost
import GuestMemory
import Instruments

/// The costs of single steps in succession on one thread. Nanoseconds.
public enum StateCosts {
  /// The cost of page_make_stable() plus page_make_volatile() of a page. `range` cached pages are made stable before
  /// the first becomes volatile again; none of the calls fails.
  ///
  /// - Throws: ``GuestError/cannotReserve(bytes:)``
  public static func pair(range: Int, rounds: Int) throws(GuestError) -> Double {
    let frames = try PageFrames(pages: range, filePages: range, mode: .full)
    var store = frames.store(.full)
    for index in 0..<range {
      if let page = store.readIn(index) { store.putPage(page) }
    }
    let begin = MonotonicClock.nanoseconds()
    for _ in 0..<rounds {
      for page in 0..<range { chost_consume(store.makeStable(page) ? 1 : 0) }
      for page in 0..<range { store.makeVolatile(page, offset: 1) }
    }
    let spent = MonotonicClock.nanoseconds() - begin
    return withExtendedLifetime(frames) { Double(spent) / Double(rounds * range) }
  }

  /// The cost of checking whether a page is discarded, by PG_discarded and by sequence count and list, with `listed`
  /// pages on the list, for pages that aren't on it.
  ///
  /// - Throws: ``GuestError/cannotReserve(bytes:)``
  public static func reads(listed: Int, rounds: Int) throws(GuestError) -> (bit: Double, list: Double) {
    let mask = 1 << 15 - 1
    let frames = try PageFrames(pages: mask + 1, filePages: 1, mode: .full)
    let list = try DiscardList(pages: mask + 1 + listed)
    var store = frames.store(.full)
    var handle = list.handle
    for page in 0..<listed { handle.beginDiscard(mask + 1 + page) }
    func time(_ body: (Int) -> Bool) -> Double {
      let begin = MonotonicClock.nanoseconds()
      // An odd step goes to each page once.
      for round in 0..<rounds { chost_consume(body(round &* 4099 & mask) ? 1 : 0) }
      return Double(MonotonicClock.nanoseconds() - begin) / Double(rounds)
    }
    _ = time { store.has(.discarded, $0) }
    let bit = time { store.has(.discarded, $0) }
    let found = time { handle.isDiscarded($0) }
    return withExtendedLifetime((frames, list)) { (bit, found) }
  }
}
