/// A pseudo-random cyclic permutation of the numbers below a power of two. It is computed rather than stored, so that a
/// list of sixty million heads is linked in address order, at memory speed.
///
/// Built from multiplications by odd numbers and shifts by at least half the width, all of which are invertible.
struct CyclePermutation {
  let count: Int
  private let mask: UInt64
  private let shift: UInt64
  private let first: Factor
  private let second: Factor
  private let third: Factor

  /// An odd number and its multiplicative inverse.
  private struct Factor {
    let forward: UInt64
    let back: UInt64

    init(_ number: UInt64) {
      forward = number | 1
      // Newton's method: each step doubles the number of correct low bits; an odd number is its own inverse modulo 8.
      var inverse = forward
      for _ in 0..<5 { inverse = inverse &* (2 &- forward &* inverse) }
      back = inverse
    }
  }

  /// Creates a permutation of `count` numbers, a power of two.
  init(count: Int, seed: UInt64) {
    precondition(count > 0 && count & (count - 1) == 0, "\(count) is no power of two")
    self.count = count
    mask = UInt64(count) - 1
    shift = UInt64(max(1, (count.trailingZeroBitCount + 1) / 2))
    let salt = seed &* 0x9e37_79b9_7f4a_7c15
    first = Factor(0xbf58_476d_1ce4_e5b9 ^ salt)
    second = Factor(0x94d0_49bb_1331_11eb ^ salt)
    third = Factor(0xff51_afd7_ed55_8ccd ^ salt)
  }

  /// The number at a place of the cycle; places wrap around.
  @inline(__always)
  func number(at place: Int) -> Int {
    var x = UInt64(truncatingIfNeeded: place) & mask
    x = (x &* first.forward) & mask
    x ^= x &>> shift
    x = (x &* second.forward) & mask
    x ^= x &>> shift
    return Int(truncatingIfNeeded: (x &* third.forward) & mask)
  }

  /// The place of a number.
  @inline(__always)
  func place(of number: Int) -> Int {
    var x = (UInt64(truncatingIfNeeded: number) &* third.back) & mask
    x ^= x &>> shift
    x = (x &* second.back) & mask
    x ^= x &>> shift
    return Int(truncatingIfNeeded: (x &* first.back) & mask)
  }

  /// The successor of a number. After `count` steps the walk has visited every number once and is back.
  @inline(__always)
  func next(after number: Int) -> Int { self.number(at: place(of: number) &+ 1) }
}
