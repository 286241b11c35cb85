import CHost

/// Lines of memory that stand for list heads, each with the address of the next in its first word.
struct ListHeads {
  /// A head's own bytes: a cache line, a struct page.
  static let headBytes = 64

  let base: UnsafeMutableRawPointer
  /// A power of two.
  let count: Int
  /// Bytes from one to the next.
  let apart: Int
  /// The order they are linked in.
  let order: Primitive.Order
  private let permutation: CyclePermutation

  /// Links the heads in this memory to a ring. They lie at the start of every `apart` bytes of `span`.
  init(_ base: UnsafeMutableRawPointer, span: Int, apart: Int, _ order: Primitive.Order, seed: UInt64 = 1) {
    self.base = base
    self.apart = apart
    self.order = order
    count = span / apart
    permutation = CyclePermutation(count: count, seed: seed)
    link()
  }

  @inline(never)
  private func link() {
    let permutation = permutation
    for index in 0..<count {
      let next = order == .sequential ? (index &+ 1) & (count &- 1) : permutation.next(after: index)
      (base + index &* apart).storeBytes(of: UnsafeRawPointer(base + next &* apart), as: UnsafeRawPointer.self)
    }
  }

  /// Follows the links, each load waiting for the one before; where it ended.
  @inline(never)
  func follow(from: UnsafeRawPointer, steps: Int) -> UnsafeRawPointer {
    var head = from
    var left = steps
    while left > 0 {
      head = head.load(as: UnsafeRawPointer.self)
      left &-= 1
    }
    return head
  }

  /// Reads `steps` heads by address from number `from` on, round and round; no load waits for another. `steps` and
  /// `from` are multiples of 4, and there are at least 4.
  @inline(never)
  func read(from: Int, steps: Int) {
    var sums: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var next = from
    var left = steps
    while left > 0 {
      let run = min(left, count &- next)
      var head = UnsafeRawPointer(base + next &* apart)
      let end = head + run &* apart
      while head < end {
        sums.0 &+= head.load(as: UInt64.self)
        sums.1 &+= (head + apart).load(as: UInt64.self)
        sums.2 &+= (head + 2 &* apart).load(as: UInt64.self)
        sums.3 &+= (head + 3 &* apart).load(as: UInt64.self)
        head += 4 &* apart
      }
      left &-= run
      next = (next &+ run) & (count &- 1)
    }
    chost_consume(sums.0 &+ sums.1 &+ sums.2 &+ sums.3)
  }

  /// Fills `table` with the numbers of heads in random order, from a place of that order on.
  @inline(never)
  func fill(_ table: UnsafeMutableBufferPointer<UInt32>, from place: Int) {
    let permutation = permutation
    for index in table.indices { table[index] = UInt32(truncatingIfNeeded: permutation.number(at: place &+ index)) }
  }

  /// Reads the heads whose numbers are in `table`; no load waits for another. The table's length is a multiple of 4.
  @inline(never)
  func read(_ table: UnsafeBufferPointer<UInt32>) {
    var sums: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var index = 0
    while index < table.count {
      sums.0 &+= word(table[index])
      sums.1 &+= word(table[index &+ 1])
      sums.2 &+= word(table[index &+ 2])
      sums.3 &+= word(table[index &+ 3])
      index &+= 4
    }
    chost_consume(sums.0 &+ sums.1 &+ sums.2 &+ sums.3)
  }

  @inline(__always)
  private func word(_ number: UInt32) -> UInt64 {
    UnsafeRawPointer(base).load(fromByteOffset: Int(number) &* apart, as: UInt64.self)
  }
}
