import GuestMemory

/// A course of a small guest that loses a page, in words.
struct LosingSchedule: Sendable, Equatable {
  /// The steps of others that were needed: places in which it departs from the plain course.
  var departures: Int
  /// How the page was lost.
  var kind: PageLoss.Kind
  /// What happened to the block, in order.
  var lines: [String]

  /// The lines as one, numbered.
  var text: String { lines.enumerated().map { "\($0 + 1). \($1)" }.joined(separator: "; ") }

  /// - Parameters:
  ///   - events: of the session.
  ///   - block: of the highest order; the one that the lost page is in.
  init(_ events: [DiscardWorld.Event], _ block: Block, _ kind: PageLoss.Kind, _ use: HintUse, departures: Int) {
    self.departures = departures
    self.kind = kind
    let name = "block \(block.pfn >> UInt64(block.order))"
    func has(_ blocks: [Block]) -> Bool { blocks.contains { $0.pfn < block.end && block.pfn < $0.end } }
    func among(_ blocks: [Block]) -> String { blocks.count > 1 ? " among \(blocks.count)" : "" }
    var hasLooked = false
    var lines: [String] = []
    for event in events {
      let line: String? =
        switch event {
        case .sent(let blocks) where has(blocks):
          "the strategy sends the address of \(name)\(among(blocks)), and holds none of them"
        case .hinted(let own) where has([own]): "the strategy queues the address of \(name), and doesn't hold it"
        case .reported(let blocks) where has(blocks): "the strategy takes \(name)\(among(blocks)) and reports it"
        case .used(let blocks) where has(blocks):
          use == .discard
            ? "the host acts on the hint: the content of \(name) is gone"
            : "the host acts on the hint: \(name) won't be sent"
        case .shrunk(let own) where has([own]): "reclaim calls the shrinker, which gives \(name) back to the allocator"
        case .allocated(let own) where has([own]): "a user allocates \(name) and writes to it"
        default: nil
        }
      if case .unlocked = event { hasLooked = true }
      guard let line else { continue }
      // An address that is sent later was copied under the lock.
      if case .allocated = event, lines.isEmpty, hasLooked {
        lines.append("the strategy looks at the lists under the lock, and gives the lock back")
      }
      lines.append(line)
    }
    self.lines = lines
  }
}
