/// Blocks in the order in which they came, and how many pages they have.
public struct BlockQueue: Sendable {
  @usableFromInline var stored: [Block] = []
  @usableFromInline var first = 0
  /// The pages of its blocks.
  public private(set) var pages = 0

  @usableFromInline
  init() {}

  /// Its blocks, oldest first.
  public var blocks: [Block] { Array(stored[first...]) }

  /// Adds a block behind all others. Complexity: O(1), amortised.
  @usableFromInline
  mutating func append(_ block: Block) {
    stored.append(block)
    pages += Int(block.pages)
  }

  /// Removes the oldest block; nil if there is none. Complexity: O(1), amortised.
  @usableFromInline
  mutating func popFirst() -> Block? {
    guard first < stored.count else { return nil }
    let block = stored[first]
    first += 1
    pages -= Int(block.pages)
    if first > 1024 && first * 2 > stored.count {
      stored.removeFirst(first)
      first = 0
    }
    return block
  }
}
