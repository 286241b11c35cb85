import Records

/// What a first touch of memory that was given back costs on a run's machine, of its floors in meta.json.
///
/// A guest pays an exit and a fault in the second-level page table on top, which this machine may not be able to measure:
/// a lower bound.
struct RefaultCosts: Equatable, Sendable {
  /// A page of 4 KiB. Nanoseconds.
  let small: Double
  /// A page of 4 KiB punched into one of 2 MiB; nil if unknown. Nanoseconds.
  let split: Double?
  /// A page of 2 MiB; nil if unknown. Nanoseconds.
  let huge: Double?

  /// Creates the costs of a run; nil if it didn't measure them.
  init?(_ meta: RunMeta) {
    func median(_ name: String) -> Double? { meta.limits["machine"]?[name]?["median"]?.asNumber }
    guard let small = median("first_touch_4kib_ns") else { return nil }
    self.small = small
    split = median("first_touch_split_ns")
    huge = median("first_touch_2mib_ns")
  }

  /// The time of so many first touches; nil if one of these isn't known. Nanoseconds.
  func nanoseconds(small: Double, split: Double, huge: Double) -> Double? {
    guard let ofSplit = split == 0 ? 0 : self.split.map({ $0 * split }),
      let ofHuge = huge == 0 ? 0 : self.huge.map({ $0 * huge })
    else { return nil }
    return small * self.small + ofSplit + ofHuge
  }
}

extension JSONValue {
  /// The number, whole or not; nil if it is something else.
  var asNumber: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .number(let value): value
    case .null, .bool, .string, .array, .object: nil
    }
  }
}
