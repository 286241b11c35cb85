import CHost

/// Cache lines that stand for list heads. The first word of each is the address of the next.
struct ListHeads {
  /// The size of a head: a cache line, or a struct page. Bytes.
  static let headBytes = 64

  let base: UnsafeMutableRawPointer
  /// The number of heads, a power of two.
  let count: Int
  /// The distance from one head to the next. Bytes.
  let apart: Int
  /// The order in which the heads are linked.
  let order: Primitive.Order
  private let permutation: CyclePermutation

  /// Links the heads in this memory to a ring. A head is at the start of every `apart` bytes of `span`.
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

  /// Follows the links, each load depending on the previous one. Returns the last address.
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

  /// Reads `steps` heads in address order from number `from` on, wrapping around; the loads are independent. `steps`
  /// and `from` must be multiples of 4, `steps` at least 4.
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

  /// Reads the heads whose numbers are in `table`; the loads are independent. The table's length must be a multiple of
  /// 4.
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
